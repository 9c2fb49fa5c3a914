import { catchUp } from "./catch-up.ts";
import { encoding } from "./encoding.ts";
import { fanOut } from "./fan-out.ts";
import { promiseQueues } from "./promise-queues.ts";
import { publishCall } from "./publish-call.ts";
import { queue } from "./queue.ts";
import { slowCompany } from "./slow-company.ts";
import type { Table } from "./table.ts";

/** All tables, in the order in which they are shown. */
export const TABLES: readonly Table[] = [
  fanOut("drop-oldest", 16),
  fanOut("drop-oldest", 1),
  fanOut("conflate", 16),
  fanOut("conflate", 1),
  publishCall,
  slowCompany,
  catchUp,
  queue,
  promiseQueues,
  encoding,
];
