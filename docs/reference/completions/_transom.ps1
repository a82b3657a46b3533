
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
            [CompletionResult]::new('pull', 'pull', [CompletionResultType]::ParameterValue, 'Fetch an image from a registry')
            [CompletionResult]::new('push', 'push', [CompletionResultType]::ParameterValue, 'Send an image to a registry, with the digests it came with')
            [CompletionResult]::new('images', 'images', [CompletionResultType]::ParameterValue, 'List images')
            [CompletionResult]::new('layers', 'layers', [CompletionResultType]::ParameterValue, 'List layers')
            [CompletionResult]::new('tag', 'tag', [CompletionResultType]::ParameterValue, 'Give an image one more name')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Tell all that is known of an image')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Tell how an image was made, step by step')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a folder')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell all that is known of files: times, attributes, security, streams, links, layer')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files or streams')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)')
            [CompletionResult]::new('find', 'find', [CompletionResultType]::ParameterValue, 'Find files')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two images or layers, or write the changes of a writable layer as a layer tar')
            [CompletionResult]::new('changes', 'changes', [CompletionResultType]::ParameterValue, 'List what a layer, sealed or writable, changes in the layers below it')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a writable layer over an image')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List writable layers and what is mounted')
            [CompletionResult]::new('mount', 'mount', [CompletionResultType]::ParameterValue, 'Mount a writable layer, or a read-only view of an image, at a folder')
            [CompletionResult]::new('umount', 'umount', [CompletionResultType]::ParameterValue, 'Unmount a writable layer, or what is mounted at a folder')
            [CompletionResult]::new('commit', 'commit', [CompletionResultType]::ParameterValue, 'Make an image of a writable layer and what it was made from')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make an image of another one and a layer tar')
            [CompletionResult]::new('grow', 'grow', [CompletionResultType]::ParameterValue, 'Make a writable layer hold more (Linux)')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Make folders in a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('attrib', 'attrib', [CompletionResultType]::ParameterValue, 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('acl', 'acl', [CompletionResultType]::ParameterValue, 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check images, or all that is in the store, against their digests')
            [CompletionResult]::new('fsck', 'fsck', [CompletionResultType]::ParameterValue, 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove images, names of images, writable layers, or files in one')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Delete what nothing refers to')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Tell what takes how much space')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve container engines until told to stop')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the server''s configuration, or make containerd''s')
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
            [CompletionResult]::new('--max-entries', '--max-entries', [CompletionResultType]::ParameterName, 'Most entries a layer may have [default: 4000000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes a layer''s tar may have [default: 2 TiB]')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Most names a path may be made of [default: 16384]')
            [CompletionResult]::new('--max-pax', '--max-pax', [CompletionResultType]::ParameterName, 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]')
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
        'transom;pull' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the image in the store, instead of the one it is pulled by')
            [CompletionResult]::new('--platform', '--platform', [CompletionResultType]::ParameterName, 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine''s architecture]; or all: the one that would be taken alone gets the name')
            [CompletionResult]::new('--whiteouts', '--whiteouts', [CompletionResultType]::ParameterName, 'What whiteouts do when the stack is checked')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Layers fetched at the same time')
            [CompletionResult]::new('--mirror', '--mirror', [CompletionResultType]::ParameterName, 'Look for images of HOST at URL first; may be given more than once')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Log in as this user [default: what Docker''s config.json and its helpers say]')
            [CompletionResult]::new('--max-entries', '--max-entries', [CompletionResultType]::ParameterName, 'Most entries a layer may have [default: 4000000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes a layer''s tar may have [default: 2 TiB]')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Most names a path may be made of [default: 16384]')
            [CompletionResult]::new('--max-pax', '--max-pax', [CompletionResultType]::ParameterName, 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--drop-compressed', '--drop-compressed', [CompletionResultType]::ParameterName, 'Do not keep the compressed layers: saves space, but save and push will make new ones with new digests')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Refuse what is otherwise only noted: whiteouts of nothing')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;push' {
            [CompletionResult]::new('--also', '--also', [CompletionResultType]::ParameterName, 'Push this image, too, and an index of all of them under the name; may be given more than once')
            [CompletionResult]::new('--mount-from', '--mount-from', [CompletionResultType]::ParameterName, 'Ask the registry to take layers from this repository of its own; may be given more than once. Repositories that images in the store are named after are asked anyway')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Layers sent at the same time')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Log in as this user [default: what Docker''s config.json and its helpers say]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--push-foreign', '--push-foreign', [CompletionResultType]::ParameterName, 'Push layers that are not distributed with images as ordinary ones; the manifest changes')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
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
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the changes of the writable layer A as a layer tar to this file; - for stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the changes of the writable layer A as a layer tar to this file; - for stdout')
            [CompletionResult]::new('--source-date-epoch', '--source-date-epoch', [CompletionResultType]::ParameterName, 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then')
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
        'transom;create' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The image to write over')
            [CompletionResult]::new('--storage-opt', '--storage-opt', [CompletionResultType]::ParameterName, 'size=20GB bounds what the layer can hold (takes root); other options are ignored')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Short for --storage-opt size=SIZE')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;list' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;mount' {
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'How to mount an image [default: the best way there is here]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Show the whole tree (Files, Hives, UtilityVM) instead of C:\')
            [CompletionResult]::new('--ro', '--ro', [CompletionResultType]::ParameterName, 'NAME is an image, to be looked at only')
            [CompletionResult]::new('--foreground', '--foreground', [CompletionResultType]::ParameterName, 'Serve a FUSE mount from this process, until it is unmounted')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;umount' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;commit' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Name of the new image; may be given more than once')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Name of the new image; may be given more than once')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Remark in its history')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'Remark in its history')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Who made it')
            [CompletionResult]::new('--author', '--author', [CompletionResultType]::ParameterName, 'Who made it')
            [CompletionResult]::new('--source-date-epoch', '--source-date-epoch', [CompletionResultType]::ParameterName, 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;apply' {
            [CompletionResult]::new('--on', '--on', [CompletionResultType]::ParameterName, 'The image to put it on')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Name of the new image; may be given more than once')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Name of the new image; may be given more than once')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Remark in its history')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'Remark in its history')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Who made it')
            [CompletionResult]::new('--author', '--author', [CompletionResultType]::ParameterName, 'Who made it')
            [CompletionResult]::new('--source-date-epoch', '--source-date-epoch', [CompletionResultType]::ParameterName, 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then')
            [CompletionResult]::new('--max-entries', '--max-entries', [CompletionResultType]::ParameterName, 'Most entries a layer may have [default: 4000000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes a layer''s tar may have [default: 2 TiB]')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Most names a path may be made of [default: 16384]')
            [CompletionResult]::new('--max-pax', '--max-pax', [CompletionResultType]::ParameterName, 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;grow' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;mkdir' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Make the folders above, too, and mind none that is there')
            [CompletionResult]::new('--parents', '--parents', [CompletionResultType]::ParameterName, 'Make the folders above, too, and mind none that is there')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;mv' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;attrib' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;acl' {
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
        'transom;fsck' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Tell what is wrong and what would be done; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Tell what is wrong and what would be done; change nothing')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'Read everything and compare digests, not only sizes')
            [CompletionResult]::new('--rebuild', '--rebuild', [CompletionResultType]::ParameterName, 'Make the catalog again from what lies beside it, if it is missing or damaged. Nobody may use the store meanwhile')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;rm' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Delete folders in a writable layer with all that is in them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Delete folders in a writable layer with all that is in them')
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
        'transom;doctor' {
            [CompletionResult]::new('--folder', '--folder', [CompletionResultType]::ParameterName, 'The folder to test [default: that of the store; on Windows a temporary one]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;serve' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]')
            [CompletionResult]::new('--containerd', '--containerd', [CompletionResultType]::ParameterName, 'Serve containerd''s snapshotter and differ at this socket, for a section [proxy_plugins] of its configuration')
            [CompletionResult]::new('--containerd-address', '--containerd-address', [CompletionResultType]::ParameterName, 'The socket at which that containerd listens: layers are read from and written to its content store [default: /run/containerd/containerd.sock, on Windows \\.\pipe\containerd-containerd]')
            [CompletionResult]::new('--mounts', '--mounts', [CompletionResultType]::ParameterName, 'What kind of mounts containerd is given [default: bind]')
            [CompletionResult]::new('--unpack-by-mount', '--unpack-by-mount', [CompletionResultType]::ParameterName, 'Give real mounts also for unpacking, for a containerd whose differ cannot be replaced (1.6). Windows attributes of layers that it unpacks are lost')
            [CompletionResult]::new('--graphdriver', '--graphdriver', [CompletionResultType]::ParameterName, 'Serve Docker''s graph-driver plugin at this socket: /run/docker/plugins/NAME.sock makes it dockerd''s --storage-driver NAME')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How log lines look [default: text]')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Which lines are logged [default: info]')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Answer GET /metrics (Prometheus) and GET /healthz at this address: a port of this host alone, or ADDRESS:PORT')
            [CompletionResult]::new('--max-entries', '--max-entries', [CompletionResultType]::ParameterName, 'Most entries a layer may have [default: 4000000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes a layer''s tar may have [default: 2 TiB]')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Most names a path may be made of [default: 16384]')
            [CompletionResult]::new('--max-pax', '--max-pax', [CompletionResultType]::ParameterName, 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'transom;config' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the values that `serve` would take, and where each comes from')
            [CompletionResult]::new('containerd', 'containerd', [CompletionResultType]::ParameterValue, 'Print the sections that containerd''s configuration needs, or check that they are there')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'transom;config;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;config;containerd' {
            [CompletionResult]::new('--containerd', '--containerd', [CompletionResultType]::ParameterName, 'The containerd whose version counts')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Its version, if it is not here: 1.6, 1.7, 2.1')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Print nothing if this configuration has all that is needed; else what is missing or wrong')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no progress and no notes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'transom;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the values that `serve` would take, and where each comes from')
            [CompletionResult]::new('containerd', 'containerd', [CompletionResultType]::ParameterValue, 'Print the sections that containerd''s configuration needs, or check that they are there')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'transom;config;help;show' {
            break
        }
        'transom;config;help;containerd' {
            break
        }
        'transom;config;help;help' {
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
            [CompletionResult]::new('pull', 'pull', [CompletionResultType]::ParameterValue, 'Fetch an image from a registry')
            [CompletionResult]::new('push', 'push', [CompletionResultType]::ParameterValue, 'Send an image to a registry, with the digests it came with')
            [CompletionResult]::new('images', 'images', [CompletionResultType]::ParameterValue, 'List images')
            [CompletionResult]::new('layers', 'layers', [CompletionResultType]::ParameterValue, 'List layers')
            [CompletionResult]::new('tag', 'tag', [CompletionResultType]::ParameterValue, 'Give an image one more name')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Tell all that is known of an image')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Tell how an image was made, step by step')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a folder')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell all that is known of files: times, attributes, security, streams, links, layer')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files or streams')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)')
            [CompletionResult]::new('find', 'find', [CompletionResultType]::ParameterValue, 'Find files')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two images or layers, or write the changes of a writable layer as a layer tar')
            [CompletionResult]::new('changes', 'changes', [CompletionResultType]::ParameterValue, 'List what a layer, sealed or writable, changes in the layers below it')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a writable layer over an image')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List writable layers and what is mounted')
            [CompletionResult]::new('mount', 'mount', [CompletionResultType]::ParameterValue, 'Mount a writable layer, or a read-only view of an image, at a folder')
            [CompletionResult]::new('umount', 'umount', [CompletionResultType]::ParameterValue, 'Unmount a writable layer, or what is mounted at a folder')
            [CompletionResult]::new('commit', 'commit', [CompletionResultType]::ParameterValue, 'Make an image of a writable layer and what it was made from')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make an image of another one and a layer tar')
            [CompletionResult]::new('grow', 'grow', [CompletionResultType]::ParameterValue, 'Make a writable layer hold more (Linux)')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Make folders in a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('attrib', 'attrib', [CompletionResultType]::ParameterValue, 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('acl', 'acl', [CompletionResultType]::ParameterValue, 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check images, or all that is in the store, against their digests')
            [CompletionResult]::new('fsck', 'fsck', [CompletionResultType]::ParameterValue, 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove images, names of images, writable layers, or files in one')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Delete what nothing refers to')
            [CompletionResult]::new('df', 'df', [CompletionResultType]::ParameterValue, 'Tell what takes how much space')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve container engines until told to stop')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the server''s configuration, or make containerd''s')
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
        'transom;help;pull' {
            break
        }
        'transom;help;push' {
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
        'transom;help;create' {
            break
        }
        'transom;help;list' {
            break
        }
        'transom;help;mount' {
            break
        }
        'transom;help;umount' {
            break
        }
        'transom;help;commit' {
            break
        }
        'transom;help;apply' {
            break
        }
        'transom;help;grow' {
            break
        }
        'transom;help;mkdir' {
            break
        }
        'transom;help;mv' {
            break
        }
        'transom;help;attrib' {
            break
        }
        'transom;help;acl' {
            break
        }
        'transom;help;verify' {
            break
        }
        'transom;help;fsck' {
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
        'transom;help;doctor' {
            break
        }
        'transom;help;serve' {
            break
        }
        'transom;help;config' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the values that `serve` would take, and where each comes from')
            [CompletionResult]::new('containerd', 'containerd', [CompletionResultType]::ParameterValue, 'Print the sections that containerd''s configuration needs, or check that they are there')
            break
        }
        'transom;help;config;show' {
            break
        }
        'transom;help;config;containerd' {
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
