// What images and registries say is shown to people, but must not steer their terminal. Pure.

/** Control characters, other than line breaks and tabs, as `\x1b`. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, control => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
