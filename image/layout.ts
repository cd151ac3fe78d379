// The numbers of the RAFS v6 / EROFS on-disk format: offsets, sizes, flags and limits, nothing else. Section numbers
// are those of docs/image-format.md. Everything on disk is little-endian.

/** §3 Superblock: offsets from the start of the bootstrap, sizes in bytes. */
export const SUPERBLOCK_OFFSET = 1024;
export const EXTENDED_SUPERBLOCK_OFFSET = 1152;
export const DEVICE_TABLE_OFFSET = 1408;
export const DEVICE_SLOT_BYTES = 128;
/** Where the device table starts, in slots. */
export const DEVICE_TABLE_SLOT = DEVICE_TABLE_OFFSET / DEVICE_SLOT_BYTES;
export const EROFS_MAGIC = 0xe0f5e1e2;
/** Compatible-feature bit by which RAFS v6 marks an EROFS image as its own. */
export const COMPAT_RAFS_V6 = 0x4000_0000;
/** CHUNKED_FILE and DEVICE_TABLE: exactly these two, no more. */
export const INCOMPAT_RAFS_V6 = 0x0000_000c;
/** `RAFS`, the first four bytes of a RAFS v5 bootstrap, followed by its version. */
export const RAFS_V5_MAGIC = 0x5241_4653;
/** Old writers store this in `blocks` of an image without devices. */
export const LEGACY_BLOCK_COUNT = 4096;
/** The blob and chunk tables are aligned to this, whatever the block size; so is the end of the file. */
export const TABLE_ALIGNMENT = 4096;

/** §4 Superblock flags, low 32 bits; the high ones are unknown and refused. */
export const FLAG_COMPRESSOR_NONE = 0x1;
export const FLAG_COMPRESSOR_LZ4 = 0x2;
export const FLAG_DIGESTER_BLAKE3 = 0x4;
export const FLAG_DIGESTER_SHA256 = 0x8;
export const FLAG_EXPLICIT_OWNERS = 0x10;
export const FLAG_XATTRS = 0x20;
export const FLAG_COMPRESSOR_GZIP = 0x40;
export const FLAG_COMPRESSOR_ZSTD = 0x80;
export const FLAG_INLINED_DIGESTS = 0x100;
export const FLAG_TARFS = 0x200;
export const FLAG_ENCRYPTION_NONE = 0x0100_0000;
export const FLAG_ENCRYPTION_AES = 0x0200_0000;
/** Accepted and without meaning. */
export const FLAGS_PRESERVED = 0xfc00_0000;

/** §5 Blob table. */
export const BLOB_ENTRY_BYTES = 256;
export const BLOB_ID_BYTES = 64;
export const BLOB_ALIGNED = 0x1;
export const BLOB_INLINED_FS_META = 0x2;
export const BLOB_CHUNK_INFO_V2 = 0x4;
export const BLOB_ZRAN = 0x8;
export const BLOB_SEPARATE = 0x10;
export const BLOB_INLINED_CHUNK_DIGEST = 0x20;
export const BLOB_TARFS = 0x40;
export const BLOB_BATCH = 0x80;
export const BLOB_ENCRYPTED = 0x100;
export const BLOB_CHUNKDICT = 0x200;
export const BLOB_PREFETCH_SEPARATED = 0x400;
export const BLOB_EXTERNAL = 0x800;
export const BLOB_HAS_TAR_HEADER = 0x1000_0000;
export const BLOB_HAS_TOC = 0x2000_0000;
export const BLOB_CAP_TAR_TOC = 0x4000_0000;
export const BLOB_FEATURES_KNOWN = 0x7000_0fff;
/** What Shoal's own blobs have; the stock converter's blobs with a table of contents have the same. */
export const BLOB_FEATURES_WRITTEN =
  BLOB_ALIGNED | BLOB_INLINED_CHUNK_DIGEST | BLOB_HAS_TAR_HEADER | BLOB_HAS_TOC | BLOB_CAP_TAR_TOC;
/** Algorithm numbers of blob table, compression table and table of contents. */
export const COMPRESSION_NONE = 0;
export const COMPRESSION_LZ4_BLOCK = 1;
export const COMPRESSION_GZIP = 2;
export const COMPRESSION_ZSTD = 3;
export const DIGEST_BLAKE3 = 0;
export const DIGEST_SHA256 = 1;
export const CIPHER_NONE = 0;

/** §6 Chunk table. */
export const CHUNK_ENTRY_BYTES = 80;
export const DIGEST_BYTES = 32;
export const CHUNK_COMPRESSED = 0x1;
export const CHUNK_HOLE = 0x2;
export const CHUNK_ENCRYPTED = 0x4;
export const CHUNK_BATCH = 0x8;
export const CHUNK_HAS_CRC32 = 0x10;

/** §7 Inodes. */
export const INODE_SLOT_BYTES = 32;
export const COMPACT_INODE_BYTES = 32;
export const EXTENDED_INODE_BYTES = 64;
/** Bit 0 of `format`: 64-byte inode. Bits 1..3: where its data lies. */
export const FORMAT_EXTENDED = 0x1;
export const FORMAT_KNOWN = 0xf;
export const LAYOUT_FLAT_PLAIN = 0;
export const LAYOUT_FLAT_INLINE = 2;
export const LAYOUT_CHUNKED = 4;
export const CHUNK_INDEX_BYTES = 8;
/** Chunk header: 8-byte index entries; the low five bits say log2(chunk bytes) - log2(block bytes). */
export const CHUNK_HEADER_INDEXES = 0x20;
export const CHUNK_HEADER_BITS = 0x1f;
/** st_mode. */
export const MODE_TYPE = 0o170000;
export const MODE_FIFO = 0o010000;
export const MODE_CHAR = 0o020000;
export const MODE_DIRECTORY = 0o040000;
export const MODE_BLOCK = 0o060000;
export const MODE_FILE = 0o100000;
export const MODE_SYMLINK = 0o120000;
export const MODE_SOCKET = 0o140000;

/** §8 Directories: an entry is nid u64, name offset u16, type u8, 0 u8. */
export const DIRENT_BYTES = 12;
export const FILE_TYPE_MAX = 7;

/** §9 Extended attributes. */
export const XATTR_HEADER_BYTES = 12;
export const XATTR_ENTRY_BYTES = 4;

/** Limits of the format. */
export const MAX_NAME_BYTES = 255;
export const MAX_SYMLINK_BYTES = 4096;
export const MAX_XATTR_NAME_BYTES = 255;
export const MAX_XATTR_VALUE_BYTES = 65535;
export const MAX_XATTR_COUNT = 65535;
export const MIN_CHUNK_SIZE = 4096;
export const MAX_CHUNK_SIZE = 16 * 1024 * 1024;
/** A chunk index stores the blob's number plus one in a byte. */
export const MAX_BLOBS = 254;
export const MAX_COMPRESSED_BLOB_BYTES = 2 ** 40;
export const MAX_UNCOMPRESSED_BLOB_BYTES = 2 ** 44;
export const MAX_U32 = 0xffff_ffff;
