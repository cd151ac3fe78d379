// The holder as a process of its own, started by a daemon in its root directory.

import { runHolder } from './holder.ts';

runHolder({ stays: false });
