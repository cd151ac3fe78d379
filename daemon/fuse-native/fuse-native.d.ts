// The npm packages fuse-native 2.2.6 and fuse-shared-library 1.0 ship no types: what binding.ts uses of them.

declare module 'fuse-native' {
  export type Signal = (result: number, ...values: unknown[]) => void;

  type Stat = import('./binding.ts').NativeStat;

  /** Every callback must be called once; a negative result is an errno. */
  export interface Operations {
    readonly getattr: (path: string, done: (error: number, stat?: Stat) => void) => void;
    readonly readdir: (path: string, done: (error: number, names?: string[], stats?: Stat[]) => void) => void;
    readonly readlink: (path: string, done: (error: number, target?: string) => void) => void;
    readonly statfs: (path: string, done: (error: number, statfs?: Record<string, number>) => void) => void;
    /** `into` is libfuse's own memory, valid until `done`; the result is the number of bytes. */
    readonly read: (
      path: string,
      handle: number,
      into: Buffer,
      length: number,
      position: number,
      done: (result: number) => void,
    ) => void;
    /** Only that they exist matters: `_op_getxattr` and `_op_listxattr` are overridden. */
    readonly getxattr?: () => void;
    readonly listxattr?: () => void;
  }

  export interface Options {
    /** False: no operation ever times out. */
    readonly timeout?: false;
    readonly allowOther?: boolean;
    readonly defaultPermissions?: boolean;
    readonly fsname?: string;
    readonly subtype?: string;
    readonly kernelCache?: boolean;
    readonly entryTimeout?: number;
    readonly attrTimeout?: number;
  }

  export interface Mount {
    mount(done: (error: Error | null) => void): void;
    _op_getxattr(signal: Signal, path: string, name: string, into: Buffer, position: number): void;
    _op_listxattr(signal: Signal, path: string, into: Buffer): void;
    /** Makes the memory of one more libfuse thread. */
    _malloc(size: number): Buffer;
  }

  const Fuse: new (mountpoint: string, operations: Operations, options: Options) => Mount;

  // biome-ignore lint/style/noDefaultExport: the package has nothing else
  export { Fuse as default };
}

declare module 'fuse-shared-library' {
  /** Path of the libfuse that fuse-native is linked with. */
  export const lib: string;
}
