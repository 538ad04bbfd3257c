/**
 * Scripts for shells. Each asks `eidetica complete -- WORDS`, where the last word is the one that is being typed, and gets
 * lines of a value, a tab and what it is.
 *
 * @module
 */

/** The script of each shell. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_eidetica() {
  local IFS=$'\\n'
  COMPREPLY=($(eidetica complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _eidetica eidetica
`,
  zsh: `#compdef eidetica
_eidetica() {
  local -a found
  local line
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(eidetica complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'eidetica' found || _files
}
compdef _eidetica eidetica
`,
  fish:
    `complete -c eidetica -f -a '(eidetica complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName eidetica -ScriptBlock {
  param($word, $ast, $at)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($word -eq '') { $words += '' }
  eidetica complete -- @words 2>$null | ForEach-Object {
    $value, $about = $_ -split "\`t", 2
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', ($about, $value -ne '')[0])
  }
}
`,
};
