import * as allocation from "./allocation.ts";
import * as catchUp from "./catch-up.ts";
import * as encoding from "./encoding.ts";
import * as fanOut from "./fan-out.ts";
import * as idle from "./idle.ts";
import * as promiseQueues from "./promise-queues.ts";
import * as publishCall from "./publish-call.ts";
import * as queue from "./queue.ts";
import * as serverCpu from "./server-cpu.ts";
import * as slowCompany from "./slow-company.ts";
import type { Table } from "./table.ts";

const MODULES = [
  fanOut,
  publishCall,
  slowCompany,
  catchUp,
  queue,
  promiseQueues,
  encoding,
  allocation,
  idle,
  serverCpu,
];

/** All tables, in the order in which they are shown. */
export const TABLES: readonly Table[] = MODULES.flatMap(({ tables }) => tables);
