// Membership inside a connection's handshake: when the encryption stands, and before anything else is spoken, both sides
// show their certificates and say what they think of the other's. So identify, ping, the DHT and pieces are for members
// only, and no protocol has to think of it. The dialer shows its certificate first: who only knocks learns nothing of us.

import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface';
import { abortedError, messageOf, ShoalError } from '../../core/index.ts';
import {
  Introduction,
  type IntroductionProperties,
  type MemberCertificate,
  SignedCertificate,
  SignedRevocations,
  Verdict,
} from '../../proto/index.ts';
import type { Membership } from './membership.ts';
import { type RecordBytes, recordConnection } from './recording.ts';
import { writeWhole } from './whole-writes.ts';

/** Both messages of both sides are there by then. */
const HANDSHAKE_MS = 5_000;
const MAX_INTRODUCTION_BYTES = 64 * 1024;
const MAX_VERDICT_BYTES = 1024;
const MAX_REASON_CHARS = 300;
const LENGTH_BYTES = 4;
/** How long a refusal may take to leave. */
const FAREWELL_MS = 1_000;

export interface TurnedAway {
  /** Undefined: the encryption had not proved who it is. */
  readonly peerId: string | undefined;
  /** Multiaddr of the other end. */
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  readonly reason: string;
}

export interface HandshakeOptions {
  readonly membership: Pick<Membership, 'check' | 'adopt' | 'encodedCertificate' | 'encodedRevocations'>;
  /** Why this peer is not spoken with now although it may be a member; undefined: it is. */
  readonly reasonAgainst: (peerId: string) => string | undefined;
  readonly onMember: (member: MemberCertificate) => void;
  readonly onTurnedAway: (event: TurnedAway) => void;
  readonly record?: RecordBytes | undefined;
}

/** Wraps an encrypter of libp2p (docs/decisions/0004). Its protocol id stays: strangers get far enough to be named in the log. */
export function membersOnly<C>(
  inner: (components: C) => ConnectionEncrypter,
  options: HandshakeOptions,
): (components: C) => ConnectionEncrypter {
  return components => new MembersOnly(inner(components), options);
}

class MembersOnly implements ConnectionEncrypter {
  readonly protocol: string;
  readonly #inner: ConnectionEncrypter;
  readonly #options: HandshakeOptions;

  constructor(inner: ConnectionEncrypter, options: HandshakeOptions) {
    this.protocol = inner.protocol;
    this.#inner = inner;
    this.#options = options;
  }

  secureInbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    return this.#secure(connection, 'inbound', options);
  }

  secureOutbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    return this.#secure(connection, 'outbound', options);
  }

  async #secure(
    raw: MessageStream,
    direction: 'inbound' | 'outbound',
    options?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    writeWhole(raw);
    let secured: SecuredConnection | undefined;
    try {
      secured = await (direction === 'inbound'
        ? this.#inner.secureInbound(raw, options)
        : this.#inner.secureOutbound(raw, options));
      const peerId = secured.remotePeer.toString();
      const { record } = this.#options;
      if (record !== undefined) recordConnection(secured.connection, peerId, record);
      // What we revoked is nothing to tell to whoever happens to listen at an address.
      const isExpected = direction === 'inbound' || options?.remotePeer !== undefined;
      this.#options.onMember(await this.#introduce(secured.connection, direction, peerId, isExpected, options?.signal));
      return secured;
    } catch (error) {
      this.#options.onTurnedAway({
        peerId: secured?.remotePeer.toString(),
        address: addressOf(raw),
        direction,
        reason: messageOf(error),
      });
      raw.abort(error instanceof Error ? error : new Error(messageOf(error)));
      throw error;
    }
  }

  async #introduce(
    connection: MessageStream,
    direction: 'inbound' | 'outbound',
    peerId: string,
    isExpected: boolean,
    signal: AbortSignal | undefined,
  ): Promise<MemberCertificate> {
    using exchange = new Exchange(connection, signal);
    const own = () => this.#introduction(isExpected);
    if (direction === 'outbound') {
      exchange.send(own());
      const introduction = await exchange.readIntroduction();
      const verdict = await exchange.readVerdict();
      if (verdict !== '') throw new ShoalError('unauthorized', `${peerId} turned us away: ${verdict}`);
      const member = await this.#judge(exchange, introduction, peerId, undefined);
      exchange.send(verdictOf(''));
      return member;
    }
    const member = await this.#judge(
      exchange,
      await exchange.readIntroduction(),
      peerId,
      Introduction.encode({}).finish(),
    );
    exchange.send(own());
    exchange.send(verdictOf(''));
    const verdict = await exchange.readVerdict();
    if (verdict !== '') throw new ShoalError('unauthorized', `${peerId} turned us away: ${verdict}`);
    return member;
  }

  /** Tells the other side when it is no member, and throws. */
  async #judge(
    exchange: Exchange,
    introduction: IntroductionProperties,
    peerId: string,
    before: Uint8Array | undefined,
  ): Promise<MemberCertificate> {
    try {
      const { membership, reasonAgainst } = this.#options;
      const { certificate, revocations } = introduction;
      if (revocations) membership.adopt(SignedRevocations.encode(revocations).finish());
      const member = membership.check(certificate ? SignedCertificate.encode(certificate).finish() : undefined, peerId);
      const reason = reasonAgainst(peerId);
      if (reason !== undefined) throw new ShoalError('unauthorized', reason);
      return member;
    } catch (error) {
      if (before !== undefined) exchange.send(before);
      await exchange.sendLast(verdictOf(messageOf(error).slice(0, MAX_REASON_CHARS)));
      throw error;
    }
  }

  #introduction(withRevocations: boolean): Uint8Array {
    const { encodedCertificate, encodedRevocations } = this.#options.membership;
    return Introduction.encode({
      certificate: SignedCertificate.decode(encodedCertificate),
      ...(withRevocations && encodedRevocations && { revocations: SignedRevocations.decode(encodedRevocations) }),
    }).finish();
  }
}

const verdictOf = (reason: string) => Verdict.encode({ reason }).finish();

/** Where a connection comes from or goes to; libp2p hands encrypters the connection itself, typed as a stream. */
function addressOf(connection: MessageStream): string {
  return 'remoteAddr' in connection ? String(connection.remoteAddr) : 'unknown address';
}

/** Framed messages on a bare connection, which is handed on afterwards with not a byte missing. */
class Exchange {
  readonly #connection: MessageStream;
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #failure: ShoalError | undefined;
  #wake: (() => void) | undefined;

  constructor(connection: MessageStream, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#outer = signal;
    connection.addEventListener('message', this.#onMessage);
    connection.addEventListener('close', this.#onClose);
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    const late = new ShoalError('timeout', `no introduction within ${HANDSHAKE_MS} ms`);
    this.#timer = setTimeout(() => this.#fail(late), HANDSHAKE_MS);
  }

  /** Lets the connection go; what was not read is read by whoever comes next. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#connection.removeEventListener('message', this.#onMessage);
    this.#connection.removeEventListener('close', this.#onClose);
    this.#outer?.removeEventListener('abort', this.#onAbort);
    if (this.#received.length > 0 && this.#connection.status === 'open') this.#connection.unshift(this.#received);
  }

  send(message: Uint8Array): void {
    const framed = new Uint8Array(LENGTH_BYTES + message.length);
    new DataView(framed.buffer).setUint32(0, message.length);
    framed.set(message, LENGTH_BYTES);
    this.#connection.send(framed);
  }

  /** Sends, and sees it off: the connection is closed. Never rejects. */
  async sendLast(message: Uint8Array): Promise<void> {
    try {
      this.send(message);
      await this.#connection.close({ signal: AbortSignal.timeout(FAREWELL_MS) });
    } catch {
      // it is turned away all the same
    }
  }

  async readIntroduction(): Promise<IntroductionProperties> {
    const bytes = await this.#read(MAX_INTRODUCTION_BYTES, 'introduction');
    return decoded('introduction', () => Introduction.decode(bytes));
  }

  async readVerdict(): Promise<string> {
    const bytes = await this.#read(MAX_VERDICT_BYTES, 'verdict');
    return decoded('verdict', () => Verdict.decode(bytes).reason);
  }

  async #read(limit: number, what: string): Promise<Uint8Array> {
    const header = await this.#take(LENGTH_BYTES, what);
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
    if (length > limit)
      throw new ShoalError('malformed', `expected an ${what} of at most ${limit} bytes, found ${length}`);
    return this.#take(length, what);
  }

  async #take(length: number, what: string): Promise<Uint8Array> {
    while (this.#received.length < length) {
      if (this.#failure !== undefined) {
        const { code, message } = this.#failure;
        throw new ShoalError(code, `expected the other side's ${what}: ${message}`);
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.slice(length);
    return taken;
  }

  readonly #onMessage = ({ data }: { readonly data: Uint8Array | Iterable<Uint8Array> }) => {
    this.#received = Buffer.concat([this.#received, ...(data instanceof Uint8Array ? [data] : data)]);
    // The muxer's bytes may follow the verdict at once, but not that many before we hand the connection on.
    const limit = MAX_INTRODUCTION_BYTES + MAX_VERDICT_BYTES + 2 * LENGTH_BYTES;
    if (this.#received.length > 4 * limit) this.#fail(new ShoalError('malformed', 'too many bytes'));
    this.#wake?.();
  };

  readonly #onClose = () => this.#fail(new ShoalError('unreachable', 'the connection was closed'));
  readonly #onAbort = () => this.#fail(this.#outer ? abortedError(this.#outer) : new ShoalError('aborted', 'aborted'));

  #fail(error: ShoalError): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new ShoalError('malformed', `expected the other side's ${what}: ${messageOf(error)}`, { cause: error });
  }
}
