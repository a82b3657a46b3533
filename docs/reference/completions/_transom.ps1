
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'transom' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'transom'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'transom' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('load', 'load', [CompletionResultType]::ParameterValue, 'Load images from an OCI layout, an OCI archive or a docker archive')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Write images out, with the digests they came with')
            [CompletionResult]::new('images', 'images', [CompletionResultType]::ParameterValue, 'List images')
            [CompletionResult]::new('layers', 'layers', [CompletionResultType]::ParameterValue, 'List layers')
            [CompletionResult]::new('tag', 'tag', [CompletionResultType]::ParameterValue, 'Give an image one more name')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Tell all that is known of an image')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Tell how an image was made, step by step')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a folder')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell all that is known of files: times, attributes, security, streams, links, layer')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files or streams')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy files and folders out of an image')
            [CompletionResult]::new('find', 'find', [CompletionResultType]::ParameterValue, 'Find files')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two images or layers')
            [CompletionResult]::new('changes', 'changes', [CompletionResultType]::ParameterValue, 'List what a layer changes in the layers below it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check images, or all that is in the store, against their digests')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove images, or names of images, and the layers that nothing else needs')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Delete what nothing refers to')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Tell what takes how much space')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write man pages and completions into a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'transom;load' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the image, instead of the one it brings; may be given more than once')
            [CompletionResult]::new('--platform', '--platform', [CompletionResultType]::ParameterName, 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine''s architecture]')
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do when the stack is checked')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Layers imported at the same time [default: number of cores]')
            [CompletionResult]::new('--max-entries', '--max-entries', [CompletionResultType]::ParameterName, 'Most entries a layer may have')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes a layer''s tar may have')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--drop-compressed', '--drop-compressed', [CompletionResultType]::ParameterName, 'Do not keep the compressed layers: saves space, but save will write new ones with new digests')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Refuse what is otherwise only noted: whiteouts of nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;save' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to; - writes an archive to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to; - writes an archive to stdout')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to write')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;images' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;layers' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;tag' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;inspect' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;history' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;ls' {
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Show attributes, size, time and owner')
            [CompletionResult]::new('--long', '--long', [CompletionResultType]::ParameterName, 'Show attributes, size, time and owner')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Show what is in folders, too')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Show what is in folders, too')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Show alternate data streams, too')
            [CompletionResult]::new('--streams', '--streams', [CompletionResultType]::ParameterName, 'Show alternate data streams, too')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;stat' {
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;cat' {
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;cp' {
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Keep Windows metadata as extended attributes (user.MSWINDOWS.…), streams as file:stream, and times')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;find' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Only names that match this, with * and ?, in any case in a Windows image')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Only this kind')
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;diff' {
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--content', '--content', [CompletionResultType]::ParameterName, 'Leave out entries of which only the metadata differs')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;changes' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;verify' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;rm' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;gc' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--compressed', '--compressed', [CompletionResultType]::ParameterName, 'Delete kept compressed layers, too: save will write new ones with new digests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;df' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;completions' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;generate' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'The folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;help' {
            [CompletionResult]::new('load', 'load', [CompletionResultType]::ParameterValue, 'Load images from an OCI layout, an OCI archive or a docker archive')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Write images out, with the digests they came with')
            [CompletionResult]::new('images', 'images', [CompletionResultType]::ParameterValue, 'List images')
            [CompletionResult]::new('layers', 'layers', [CompletionResultType]::ParameterValue, 'List layers')
            [CompletionResult]::new('tag', 'tag', [CompletionResultType]::ParameterValue, 'Give an image one more name')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Tell all that is known of an image')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Tell how an image was made, step by step')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a folder')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell all that is known of files: times, attributes, security, streams, links, layer')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files or streams')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy files and folders out of an image')
            [CompletionResult]::new('find', 'find', [CompletionResultType]::ParameterValue, 'Find files')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two images or layers')
            [CompletionResult]::new('changes', 'changes', [CompletionResultType]::ParameterValue, 'List what a layer changes in the layers below it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check images, or all that is in the store, against their digests')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove images, or names of images, and the layers that nothing else needs')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Delete what nothing refers to')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Tell what takes how much space')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write man pages and completions into a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'transom;help;load' {
            break
        }
        'transom;help;save' {
            break
        }
        'transom;help;images' {
            break
        }
        'transom;help;layers' {
            break
        }
        'transom;help;tag' {
            break
        }
        'transom;help;inspect' {
            break
        }
        'transom;help;history' {
            break
        }
        'transom;help;ls' {
            break
        }
        'transom;help;stat' {
            break
        }
        'transom;help;cat' {
            break
        }
        'transom;help;cp' {
            break
        }
        'transom;help;find' {
            break
        }
        'transom;help;diff' {
            break
        }
        'transom;help;changes' {
            break
        }
        'transom;help;verify' {
            break
        }
        'transom;help;rm' {
            break
        }
        'transom;help;gc' {
            break
        }
        'transom;help;df' {
            break
        }
        'transom;help;completions' {
            break
        }
        'transom;help;generate' {
            break
        }
        'transom;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
