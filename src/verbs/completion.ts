// The verb for shells, which is told of all other verbs.
import { Argument, type Command, Option } from 'commander'
import type { VerbShape } from '../commands/completion/candidates.ts'
import { type Shell, shells } from '../commands/completion/shell-scripts.ts'
import type { Context } from '../ports.ts'
import type { Verbs } from './verbs.ts'

/** `aigate completion`; the tree is read when it is asked for, so that no verb is missing in it. */
export function completionVerbs(context: Context, { program, verb, end }: Verbs): void {
  verb('completion', 'Print the script that completes verbs, options and names in a shell', completionExamples)
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .addOption(new Option('--line <text>', 'print what may come next on this line').hideHelp())
    .action((shell: Shell, { line }: { line?: string }) =>
      end(
        import('../commands/completion/completion.ts').then(({ completionCommand }) =>
          completionCommand(context, shell, { tree: shapeOf(program), line }),
        ),
      ),
    )
}

/** What help shows of a command, as data. */
function shapeOf(command: Command): VerbShape {
  const help = command.createHelp()
  return {
    name: command.name(),
    summary: command.description(),
    options: help.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => typeof flag === 'string'),
      summary: option.description,
      value: option.variadic ? 'many' : option.required || option.optional ? 'one' : 'none',
      valueName: /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? '',
      choices: option.argChoices ?? [],
    })),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      variadic: argument.variadic,
      choices: argument.argChoices ?? [],
    })),
    verbs: help.visibleCommands(command).map(shapeOf),
  }
}

const completionExamples = [
  'source <(aigate completion bash)     # in ~/.bashrc',
  'source <(aigate completion zsh)      # in ~/.zshrc, after compinit',
  'aigate completion fish > ~/.config/fish/completions/aigate.fish',
  'aigate completion powershell | Out-String | Invoke-Expression     # in $PROFILE',
]
