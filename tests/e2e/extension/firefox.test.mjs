import { openFirefox } from "./firefox.mjs";
import { suite } from "./suite.mjs";

suite("firefox", openFirefox);
