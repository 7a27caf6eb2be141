// One thread of the side-by-side product.

import { parentPort, workerData } from "node:worker_threads";
import { openSgemm, type SgemmShape } from "./sgemm.ts";

const bench = await openSgemm(workerData as SgemmShape, 1);
parentPort!.on("message", (milliseconds: number) => {
  void bench.round(milliseconds).then((gflops) => parentPort!.postMessage(gflops));
});
