// SPDX-License-Identifier: Apache-2.0
// `sealed completion bash|zsh|fish`: the script to be loaded by that shell. Before it: a person's shell
// start-up file. After it: the shell calls `sealed --get-yargs-completions`, which yargs answers in the
// form of the shell that SHELL names. Where there is nothing to say, file names are completed.

import type { CommandModule } from "yargs";

const BASH = `# eval "$(sealed completion bash)" in ~/.bashrc
_sealed() {
  local IFS=$'\\n'
  local words="$(SHELL=bash sealed --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sealed sealed
`;

const ZSH = `# eval "$(sealed completion zsh)" in ~/.zshrc, after compinit
_sealed() {
  local -a found
  found=("\${(@f)$(SHELL=zsh sealed --get-yargs-completions "\${(@)words[1,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then _describe 'sealed' found; else _files; fi
}
compdef _sealed sealed
`;

const FISH = `# sealed completion fish > ~/.config/fish/completions/sealed.fish
function __sealed
  env SHELL=fish sealed --get-yargs-completions (commandline -opc) (commandline -ct) 2>/dev/null
end
complete -c sealed -a '(__sealed)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH };
type Shell = keyof typeof SCRIPTS;
const SHELLS = Object.keys(SCRIPTS) as Shell[];

export const completionCommand: CommandModule<object, { shell: Shell }> = {
  command: "completion <shell>",
  describe: "Print the completion script for a shell",
  builder: (yargs) =>
    yargs
      .positional("shell", { choices: SHELLS, demandOption: true, describe: "Which shell" })
      .example('eval "$($0 completion bash)"', "In ~/.bashrc"),
  handler: ({ shell }) => console.log(SCRIPTS[shell]),
};
