// The table from what sockets, TLS, proxies and undici say to error codes, with what a person can do about it. Pure.

import { errors } from 'undici';
import { abortedError, errnoOf, messageOf, ShoalError } from '../core/index.ts';
import { PROXY_WANTS_CREDENTIALS } from './body.ts';
import { TunnelError } from './connections.ts';

/** The request that failed. */
export interface FailedRequest {
  /** What was being done, for messages: usually the image. */
  readonly what: string;
  readonly url: URL;
  readonly signal: AbortSignal;
}

/** Any error of a request as ours. A signal that fired explains everything else. `proxy`: what it went through. */
export function transportError(error: unknown, request: FailedRequest, proxy: string | undefined): ShoalError {
  const { what, signal } = request;
  if (signal.aborted) return abortedError(signal);
  if (error instanceof ShoalError) return error;
  if (error instanceof TunnelError && error.status !== undefined) return refusedTunnel(error.status, request, proxy);
  const inner = error instanceof TunnelError ? error.cause : error;
  if (inner instanceof errors.ClientDestroyedError || inner instanceof errors.ClientClosedError) {
    return new ShoalError('aborted', `${what}: the connections to registries were closed`, { cause: error });
  }
  return (
    timeoutError(inner, request, proxy) ??
    tlsError(inner, request, error instanceof TunnelError ? proxy : undefined) ??
    unreachable(inner, request, proxy)
  );
}

function unreachable(error: unknown, { what, url }: FailedRequest, proxy: string | undefined): ShoalError {
  const reason = messageOf(error) || errnoOf(error) || 'connection failed';
  const way = proxy === undefined ? '' : ` through the proxy ${proxy}`;
  return new ShoalError('unreachable', `${what}: cannot reach ${url.host}${way}: ${reason}`, { cause: error });
}

function timeoutError(error: unknown, { what, url }: FailedRequest, proxy: string | undefined): ShoalError | undefined {
  const options = { cause: error };
  if (error instanceof errors.ConnectTimeoutError || (error instanceof Error && error.name === 'TimeoutError')) {
    const way = proxy === undefined ? '' : ` through the proxy ${proxy}`;
    return new ShoalError('timeout', `${what}: no connection to ${url.host}${way} in time`, options);
  }
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new ShoalError('timeout', `${what}: ${url.host} stopped answering`, options);
  }
  return undefined;
}

function refusedTunnel(status: number, { what, url }: FailedRequest, proxy = ''): ShoalError {
  if (status === 407) return new ShoalError('unauthorized', `${what}: ${PROXY_WANTS_CREDENTIALS} (${proxy})`);
  const text = `${what}: the proxy ${proxy} refuses a tunnel to ${url.host} (${status})`;
  return new ShoalError('unreachable', text, { retryable: status >= 500 || status === 429 });
}

/** Trying again changes nothing about any of these. */
function tlsError(error: unknown, { what, url }: FailedRequest, proxy: string | undefined): ShoalError | undefined {
  const code = errnoOf(error) ?? '';
  if (proxy !== undefined) return proxyTlsError(error, what, proxy);
  const advice = NO_TLS.test(code)
    ? `${url.host} does not speak TLS; if it should be used without, ask for plain HTTP (--plain-http)`
    : OUR_CERTIFICATE.test(code)
      ? `${url.host} does not let us in with ${ownCertificate(code)} (${code}); name one with client-cert and client-key of [registry."${url.host}"] in the configuration, or put NAME.cert and NAME.key into /etc/docker/certs.d/${url.host}/`
      : THEIR_CERTIFICATE.test(code)
        ? `cannot verify the certificate of ${url.host}: ${verdict(error)}; ${trustAdvice(code, url.host)}`
        : undefined;
  if (advice === undefined) return undefined;
  return new ShoalError('unreachable', `${what}: ${advice}`, { cause: error, retryable: false });
}

function proxyTlsError(error: unknown, what: string, proxy: string): ShoalError | undefined {
  const code = errnoOf(error) ?? '';
  if (!NO_TLS.test(code) && !THEIR_CERTIFICATE.test(code)) return undefined;
  const text = NO_TLS.test(code)
    ? `the proxy ${proxy} does not speak TLS; its address begins with http://, also in HTTPS_PROXY`
    : `cannot verify the certificate of the proxy ${proxy}: ${verdict(error)}; its authority is named like a registry's`;
  return new ShoalError('unreachable', `${what}: ${text}`, { cause: error, retryable: false });
}

const NO_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/;
/** Alerts that the other side sends: what we showed it, or that we showed nothing. */
const OUR_CERTIFICATE =
  /^ERR_SSL_.*ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNKNOWN_CA|ACCESS_DENIED)$/;
/** OpenSSL's verdicts on the other side's certificate, as Node names them. */
const THEIR_CERTIFICATE = /CERT|^ERR_TLS_|^UNABLE_TO_|^ERR_SSL_/;

/** Without Node's advice to its own users: ours can't follow it, and the system's authorities are trusted anyway. */
function verdict(error: unknown): string {
  return messageOf(error).replace(/; if the root CA is installed locally, .*$/, '');
}

function ownCertificate(code: string): string {
  return code.includes('REQUIRED') ? 'no client certificate' : 'our client certificate, or wants one';
}

function trustAdvice(code: string, host: string): string {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID' || code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'the registry needs another certificate; --insecure goes on without looking at it';
  }
  return (
    `if a private authority signed it, name that with ca of [registry."${host}"] in the configuration, ` +
    `or put it into /etc/docker/certs.d/${host}/ca.crt; --insecure goes on without looking`
  );
}
