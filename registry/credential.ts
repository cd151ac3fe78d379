// Who we are at one registry. Never logged, never part of a message.

export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A long-lived token that the registry's token service exchanges for short ones. */
  | { readonly kind: 'identity-token'; readonly token: string };

/** The user name that marks a secret as an identity token, by the convention of docker's helpers. */
const IDENTITY_TOKEN_USER = '<token>';

export function credentialOf(username: string, secret: string): Credential {
  if (username === IDENTITY_TOKEN_USER) return { kind: 'identity-token', token: secret };
  return { kind: 'password', username, password: secret };
}
