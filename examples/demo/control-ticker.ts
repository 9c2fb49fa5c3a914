/** The sending half of the control: nothing but the schedule. @module */
import { Load } from "./load.ts";
import type { FromTicker } from "./messages.ts";
import { listenToParent, tellParent } from "./parent.ts";
import { MESSAGES_PER_SECOND } from "./plan.ts";

listenToParent(() => {});
new Load(({ dueNs }) => {
  const tick: FromTicker = { type: "tick", dueNs };
  tellParent(tick);
}).pace(MESSAGES_PER_SECOND);
