// The scripts that teach a shell to ask aigate what may come next; they hold no verbs, so that they never go stale.

/**
 * Each hands over the line up to the cursor and gets one candidate a line, `value<TAB>summary`; `:files` stands for the files
 * of the disk. `npx aigate` asks the copy of the project.
 */
const bash = `# aigate completion for bash (3.2 and newer). Once: source <(aigate completion bash)
_aigate_program() {
  # What is asked: the program as it was typed; for npx the copy of the project, as npx itself would.
  case "$1" in
    npx) local folder=$PWD
         while [[ -n $folder && ! -x $folder/node_modules/.bin/aigate ]]; do folder=\${folder%/*}; done
         if [[ -n $folder ]]; then printf '%s' "$folder/node_modules/.bin/aigate"; else printf aigate; fi ;;
    '~'/*) printf '%s' "$HOME/\${1#*/}" ;;
    *) printf '%s' "$1" ;;
  esac
}
_aigate() {
  local line=\${COMP_LINE:0:COMP_POINT} program value summary current cut
  read -r program _ <<< "$line"
  COMPREPLY=()
  [[ $program == npx && $line != npx*[[:space:]]aigate[[:space:]]* ]] && return 0
  program=$(_aigate_program "$program")
  # Bash parts words at these characters too, and wants the rest of the word only.
  current=\${line##*[[:space:]]}
  cut=\${current%"\${current##*["$COMP_WORDBREAKS"]}"}
  while IFS=$'\\t' read -r value summary; do
    [[ $value == :files ]] && { COMPREPLY=(); return 0; }
    COMPREPLY+=("\${value#"$cut"}")
  done < <("$program" completion bash "--line=$line" 2> /dev/null)
  # Without candidates bash would offer files: only where a file is meant.
  compopt +o default 2> /dev/null
  return 0
}
complete -o default -F _aigate aigate
complete -p npx > /dev/null 2>&1 || complete -o default -F _aigate npx
`

const zsh = `#compdef aigate
# aigate completion for zsh. Once, after compinit: source <(aigate completion zsh)
_aigate() {
  local program=\${words[1]} folder=$PWD value summary
  local -a pairs
  if [[ $program == npx ]]; then
    (( \${words[(I)aigate]} > 1 && \${words[(I)aigate]} < CURRENT )) || { _files; return }
    while [[ -n $folder && ! -x $folder/node_modules/.bin/aigate ]]; do folder=\${folder%/*}; done
    program=\${folder:+$folder/node_modules/.bin/}aigate
  fi
  while IFS=$'\\t' read -r value summary; do
    [[ $value == :files ]] && { _files; return }
    pairs+=("\${value//:/\\\\:}:$summary")
  done < <(\${~program} completion zsh "--line=\${(j: :)words[1,CURRENT]}" 2> /dev/null)
  _describe -V aigate pairs
}
if [[ $funcstack[1] == _aigate ]]; then
  _aigate "$@"
else
  compdef _aigate aigate
  (( $+_comps[npx] )) || compdef _aigate npx
fi
`

const fish = `# aigate completion for fish. Once: aigate completion fish > ~/.config/fish/completions/aigate.fish
function __aigate_next
    set -l words (commandline -opc)
    set -l program $words[1]
    if test "$program" = npx
        set -l folder $PWD
        while test -n "$folder"; and not test -x $folder/node_modules/.bin/aigate
            set folder (string replace -r '/[^/]*$' '' -- $folder)
        end
        set program aigate
        test -n "$folder"; and set program $folder/node_modules/.bin/aigate
    end
    type -q "$program"; or return
    set -l said ($program completion fish --line=(commandline -cp | string collect) 2>/dev/null)
    if test "$said" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $said
    end
end
complete -c aigate -f -k -a '(__aigate_next)'
complete -c npx -n 'contains -- aigate (commandline -opc)' -f -k -a '(__aigate_next)'
`

const powershell = `# aigate completion for PowerShell. In $PROFILE: aigate completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName aigate, npx -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $length = $cursorPosition - $commandAst.Extent.StartOffset
  $line = $commandAst.ToString().PadRight($length).Substring(0, $length).Replace('"', "'")
  $program = $commandAst.GetCommandName()
  if ($program -eq 'npx') {
    if ($line -notmatch '\\saigate\\s') { return }
    $folder = Get-Item .
    while ($folder -and -not (Test-Path "$folder/node_modules/.bin/aigate")) { $folder = $folder.Parent }
    $program = if ($folder) { "$folder/node_modules/.bin/aigate" } else { 'aigate' }
  }
  & $program completion powershell "--line=$line" 2> $null | ForEach-Object {
    $value, $summary = $_ -split "\`t", 2
    # Nothing returned: PowerShell offers files.
    if ($value -eq ':files') { return }
    if (-not $summary) { $summary = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $summary)
  }
}
`

export const shellScripts = { bash, zsh, fish, powershell }
export type Shell = keyof typeof shellScripts
export const shells = Object.keys(shellScripts) as Shell[]
