// A short-lived process of doctor: the daemon's self-test of EROFS, with each backing, below a directory. Prints what is wrong
// with which, as JSON; its mounts are nowhere to be seen, and end with it.

import { testErofsBackings } from '../../daemon/index.ts';

const [root = ''] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await testErofsBackings(root)));
