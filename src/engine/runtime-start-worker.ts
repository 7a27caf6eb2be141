// A thread that starts the runtime and ends.

import ort from "onnxruntime-node";

// Opening any session starts it; this one, of no model, is refused right afterwards.
await ort.InferenceSession.create(new Uint8Array(0)).catch(() => undefined);
