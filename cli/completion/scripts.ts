// The scripts that a shell loads to complete our command lines. All ask `shoal complete -- WORDS...`, which answers a
// line for each candidate (value, tab, description) and at last `:` and a number: 0, files may be offered, or 4, not.
//
// zsh and fish: from @bomb.sh/tab (in the tradition of Cobra's). bash: our own, because the library's runs `eval` on
// what is typed, so that a TAB behind `$(...)` executes it, needs the package bash-completion, and cannot be loaded twice.

import { script } from '@bomb.sh/tab';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Cobra's ShellCompDirectiveDefault and ShellCompDirectiveNoFileComp. */
export const FILES_TOO = 0;
export const NO_FILES = 4;

const BASH = `# bash completion for shoal
_shoal_complete() {
  COMPREPLY=()
  local line
  while IFS= read -r line; do
    case $line in
      :*) ;;
      *) COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")") ;;
    esac
  done < <(shoal complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _shoal_complete shoal
`;

/** Writes the script to standard output. */
export function printScript(shell: Shell): void {
  if (shell === 'bash') process.stdout.write(BASH);
  else script(shell, 'shoal', 'shoal');
}
