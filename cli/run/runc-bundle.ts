// A container as runc's config.json (OCI runtime specification 1.0). Pure.

import { type Container, DEFAULT_CAPABILITIES, MASKED_PATHS, READ_ONLY_PATHS, SYSTEM_MOUNTS } from './container.ts';

/** The document for `runc run --bundle`. The container shares the host's network and has namespaces of all else. */
export function runcConfig(container: Container): unknown {
  // Only the bounding set, plus what root starts with: a setuid or file-capability program raises itself from there.
  const capabilities =
    container.user.uid === 0
      ? { bounding: DEFAULT_CAPABILITIES, effective: DEFAULT_CAPABILITIES, permitted: DEFAULT_CAPABILITIES }
      : { bounding: DEFAULT_CAPABILITIES };
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: container.terminal,
      user: { uid: container.user.uid, gid: container.user.gid, additionalGids: container.user.additionalGids },
      args: container.process.args,
      env: container.process.env,
      cwd: container.process.cwd,
      capabilities,
      noNewPrivileges: false,
    },
    root: { path: container.rootfs, readonly: false },
    hostname: container.hostname,
    mounts: [
      ...SYSTEM_MOUNTS.map(({ target, type, source, options }) => ({ destination: target, type, source, options })),
      { destination: '/sys', type: 'none', source: '/sys', options: ['bind', 'ro', 'nosuid', 'noexec', 'nodev'] },
      ...container.binds.map(({ source, target, readOnly }) => ({
        destination: target,
        type: 'bind',
        source,
        options: ['rbind', 'rprivate', readOnly ? 'rro' : 'rw'],
      })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map(type => ({ type })),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READ_ONLY_PATHS,
    },
  };
}
