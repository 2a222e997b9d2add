import { openChromium } from "./chromium.mjs";
import { suite } from "./suite.mjs";

suite("chromium", openChromium);
