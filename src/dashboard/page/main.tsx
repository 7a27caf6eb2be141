// Starts the dashboard's page.

import { render } from "preact";
import { App } from "./app.tsx";
import { openNews } from "./client.ts";
import { applyTheme } from "./theme.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

applyTheme();
openNews();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
