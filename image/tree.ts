// The file tree that the converter builds and the bootstrap writer consumes. Plain data.
//
// Names, link targets and xattr names are *byte strings*: JavaScript strings in which each character is one byte
// (latin1). File names are bytes on Linux; this keeps them exact, sortable by byte and usable as Map keys.

import type { ChunkList } from './chunk-list.ts';

export type NodeKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

interface NodeBase {
  /** Permission bits with setuid, setgid and sticky: st_mode & 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** Whole seconds since 1970, may be negative, and 0..999_999_999 nanoseconds on top. */
  mtimeSeconds: number;
  mtimeNanoseconds: number;
  /** Full attribute name (`user.x`, `security.capability`) as a byte string, to value; empty map when there are none. */
  xattrs: ReadonlyMap<string, Uint8Array>;
}

export interface FileNode extends NodeBase {
  kind: 'file';
  /** Bytes. */
  size: number;
  /**
   * For each chunk of the file in order, two numbers: position of the blob in the image's blob list, index of the
   * chunk in that blob. Length 2 × ceil(size / chunk size).
   */
  chunks: Uint32Array;
}

export interface DirectoryNode extends NodeBase {
  kind: 'directory';
  /** Name (byte string, without `.` and `..`) to node. The same FileNode under two names is a hard link. */
  children: Map<string, TreeNode>;
}

export interface SymlinkNode extends NodeBase {
  kind: 'symlink';
  /** Byte string, 1 to 4095 bytes. */
  target: string;
}

export interface DeviceNode extends NodeBase {
  kind: 'char' | 'block';
  major: number;
  minor: number;
}

export interface SpecialNode extends NodeBase {
  kind: 'fifo' | 'socket';
}

export type TreeNode = FileNode | DirectoryNode | SymlinkNode | DeviceNode | SpecialNode;

/** A finished blob, as the bootstrap must describe it. */
export interface FinishedBlob {
  /** 64 hex digits: sha256 of the blob file. */
  readonly id: string;
  /** Size of the blob file, bytes. */
  readonly blobSize: number;
  /** End of the device, a multiple of 4096. */
  readonly deviceSize: number;
  readonly chunks: ChunkList;
  /** Where the compression table and the table of contents stand in the blob file (nydus.md §1.8, §1.21–1.24). */
  readonly compressionTable: {
    readonly offset: number;
    readonly storedSize: number;
    readonly uncompressedSize: number;
    readonly compressor: 'none' | 'zstd';
  };
  readonly tocSize: number;
  readonly tocDigest: Uint8Array;
}

export interface ImageTree {
  readonly root: DirectoryNode;
  readonly blobs: readonly FinishedBlob[];
  /** Bytes; power of two. */
  readonly chunkSize: number;
}
