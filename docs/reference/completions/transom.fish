# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_transom_global_optspecs
    string join \n root= json q/quiet h/help V/version
end

function __fish_transom_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_transom_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_transom_using_subcommand
    set -l cmd (__fish_transom_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c transom -n "__fish_transom_needs_command" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_needs_command" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_needs_command" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_needs_command" -s V -l version -d 'Print version'
complete -c transom -n "__fish_transom_needs_command" -f -a "load" -d 'Load images from an OCI layout, an OCI archive or a docker archive'
complete -c transom -n "__fish_transom_needs_command" -f -a "save" -d 'Write images out, with the digests they came with'
complete -c transom -n "__fish_transom_needs_command" -f -a "pull" -d 'Fetch an image from a registry'
complete -c transom -n "__fish_transom_needs_command" -f -a "push" -d 'Send an image to a registry, with the digests it came with'
complete -c transom -n "__fish_transom_needs_command" -f -a "images" -d 'List images'
complete -c transom -n "__fish_transom_needs_command" -f -a "layers" -d 'List layers'
complete -c transom -n "__fish_transom_needs_command" -f -a "tag" -d 'Give an image one more name'
complete -c transom -n "__fish_transom_needs_command" -f -a "inspect" -d 'Tell all that is known of an image'
complete -c transom -n "__fish_transom_needs_command" -f -a "history" -d 'Tell how an image was made, step by step'
complete -c transom -n "__fish_transom_needs_command" -f -a "ls" -d 'List a folder'
complete -c transom -n "__fish_transom_needs_command" -f -a "stat" -d 'Tell all that is known of files: times, attributes, security, streams, links, layer'
complete -c transom -n "__fish_transom_needs_command" -f -a "cat" -d 'Print files or streams'
complete -c transom -n "__fish_transom_needs_command" -f -a "cp" -d 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)'
complete -c transom -n "__fish_transom_needs_command" -f -a "find" -d 'Find files'
complete -c transom -n "__fish_transom_needs_command" -f -a "diff" -d 'Compare two images or layers, or write the changes of a writable layer as a layer tar'
complete -c transom -n "__fish_transom_needs_command" -f -a "changes" -d 'List what a layer, sealed or writable, changes in the layers below it'
complete -c transom -n "__fish_transom_needs_command" -f -a "create" -d 'Make a writable layer over an image'
complete -c transom -n "__fish_transom_needs_command" -f -a "list" -d 'List writable layers and what is mounted'
complete -c transom -n "__fish_transom_needs_command" -f -a "mount" -d 'Mount a writable layer, or a read-only view of an image, at a folder'
complete -c transom -n "__fish_transom_needs_command" -f -a "umount" -d 'Unmount a writable layer, or what is mounted at a folder'
complete -c transom -n "__fish_transom_needs_command" -f -a "commit" -d 'Make an image of a writable layer and what it was made from'
complete -c transom -n "__fish_transom_needs_command" -f -a "apply" -d 'Make an image of another one and a layer tar'
complete -c transom -n "__fish_transom_needs_command" -f -a "grow" -d 'Make a writable layer hold more (Linux)'
complete -c transom -n "__fish_transom_needs_command" -f -a "mkdir" -d 'Make folders in a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_needs_command" -f -a "mv" -d 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_needs_command" -f -a "attrib" -d 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_needs_command" -f -a "acl" -d 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_needs_command" -f -a "verify" -d 'Check images, or all that is in the store, against their digests'
complete -c transom -n "__fish_transom_needs_command" -f -a "fsck" -d 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)'
complete -c transom -n "__fish_transom_needs_command" -f -a "rm" -d 'Remove images, names of images, writable layers, or files in one'
complete -c transom -n "__fish_transom_needs_command" -f -a "gc" -d 'Delete what nothing refers to'
complete -c transom -n "__fish_transom_needs_command" -f -a "df" -d 'Tell what takes how much space'
complete -c transom -n "__fish_transom_needs_command" -f -a "doctor" -d 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live'
complete -c transom -n "__fish_transom_needs_command" -f -a "serve" -d 'Serve container engines until told to stop'
complete -c transom -n "__fish_transom_needs_command" -f -a "config" -d 'Show the server\'s configuration, or make containerd\'s'
complete -c transom -n "__fish_transom_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c transom -n "__fish_transom_needs_command" -f -a "generate" -d 'Write man pages and completions into a folder'
complete -c transom -n "__fish_transom_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c transom -n "__fish_transom_using_subcommand load" -l name -d 'Name of the image, instead of the one it brings; may be given more than once' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l platform -d 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine\'s architecture]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l whiteouts -d 'What whiteouts do when the stack is checked' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand load" -l jobs -d 'Layers imported at the same time [default: number of cores]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l max-entries -d 'Most entries a layer may have [default: 4000000]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l max-bytes -d 'Most bytes a layer\'s tar may have [default: 2 TiB]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l max-ratio -d 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l max-depth -d 'Most names a path may be made of [default: 16384]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l max-pax -d 'Most bytes of an entry\'s PAX header [default: 1 MiB; 64 MiB at most]' -r
complete -c transom -n "__fish_transom_using_subcommand load" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand load" -l drop-compressed -d 'Do not keep the compressed layers: saves space, but save will write new ones with new digests'
complete -c transom -n "__fish_transom_using_subcommand load" -l strict -d 'Refuse what is otherwise only noted: whiteouts of nothing'
complete -c transom -n "__fish_transom_using_subcommand load" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand load" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand save" -s o -l output -d 'Where to; - writes an archive to stdout' -r -F
complete -c transom -n "__fish_transom_using_subcommand save" -l format -d 'What to write' -r -f -a "oci\t'One tar, an OCI layout'
oci-dir\t'A folder, an OCI layout'
docker-archive\t'One tar, as docker save wrote it before OCI'"
complete -c transom -n "__fish_transom_using_subcommand save" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand save" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand save" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand pull" -l name -d 'Name of the image in the store, instead of the one it is pulled by' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l platform -d 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine\'s architecture]; or all: the one that would be taken alone gets the name' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l whiteouts -d 'What whiteouts do when the stack is checked' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand pull" -l jobs -d 'Layers fetched at the same time' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l mirror -d 'Look for images of HOST at URL first; may be given more than once' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l username -d 'Log in as this user [default: what Docker\'s config.json and its helpers say]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l max-entries -d 'Most entries a layer may have [default: 4000000]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l max-bytes -d 'Most bytes a layer\'s tar may have [default: 2 TiB]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l max-ratio -d 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l max-depth -d 'Most names a path may be made of [default: 16384]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l max-pax -d 'Most bytes of an entry\'s PAX header [default: 1 MiB; 64 MiB at most]' -r
complete -c transom -n "__fish_transom_using_subcommand pull" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand pull" -l drop-compressed -d 'Do not keep the compressed layers: saves space, but save and push will make new ones with new digests'
complete -c transom -n "__fish_transom_using_subcommand pull" -l strict -d 'Refuse what is otherwise only noted: whiteouts of nothing'
complete -c transom -n "__fish_transom_using_subcommand pull" -l plain-http -d 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS'
complete -c transom -n "__fish_transom_using_subcommand pull" -l password-stdin -d 'Read the password from stdin'
complete -c transom -n "__fish_transom_using_subcommand pull" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand pull" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand pull" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand push" -l also -d 'Push this image, too, and an index of all of them under the name; may be given more than once' -r
complete -c transom -n "__fish_transom_using_subcommand push" -l mount-from -d 'Ask the registry to take layers from this repository of its own; may be given more than once. Repositories that images in the store are named after are asked anyway' -r
complete -c transom -n "__fish_transom_using_subcommand push" -l jobs -d 'Layers sent at the same time' -r
complete -c transom -n "__fish_transom_using_subcommand push" -l username -d 'Log in as this user [default: what Docker\'s config.json and its helpers say]' -r
complete -c transom -n "__fish_transom_using_subcommand push" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand push" -l push-foreign -d 'Push layers that are not distributed with images as ordinary ones; the manifest changes'
complete -c transom -n "__fish_transom_using_subcommand push" -l plain-http -d 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS'
complete -c transom -n "__fish_transom_using_subcommand push" -l password-stdin -d 'Read the password from stdin'
complete -c transom -n "__fish_transom_using_subcommand push" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand push" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand push" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand images" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand images" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand images" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand images" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand layers" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand layers" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand layers" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand layers" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand tag" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand tag" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand tag" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand tag" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand inspect" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand inspect" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand inspect" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand history" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand history" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand history" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand history" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand ls" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand ls" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand ls" -s l -l long -d 'Show attributes, size, time and owner'
complete -c transom -n "__fish_transom_using_subcommand ls" -s R -l recursive -d 'Show what is in folders, too'
complete -c transom -n "__fish_transom_using_subcommand ls" -s s -l streams -d 'Show alternate data streams, too'
complete -c transom -n "__fish_transom_using_subcommand ls" -l raw -d 'Start paths at the tar\'s root (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand ls" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand ls" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand stat" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand stat" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand stat" -l raw -d 'Start paths at the tar\'s root (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand stat" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand stat" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand cat" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand cat" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand cat" -l raw -d 'Start paths at the tar\'s root (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand cat" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand cat" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand cat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand cp" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand cp" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand cp" -l metadata -d 'Keep Windows metadata as extended attributes (user.MSWINDOWS.…), streams as file:stream, and times'
complete -c transom -n "__fish_transom_using_subcommand cp" -l raw -d 'Start paths at the tar\'s root (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand cp" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand cp" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand cp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand find" -l name -d 'Only names that match this, with * and ?, in any case in a Windows image' -r
complete -c transom -n "__fish_transom_using_subcommand find" -l type -d 'Only this kind' -r -f -a "file\t'Files'
directory\t'Folders'
link\t'Symbolic links and junctions'
stream\t'Alternate data streams'"
complete -c transom -n "__fish_transom_using_subcommand find" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand find" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand find" -l raw -d 'Start paths at the tar\'s root (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand find" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand find" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand find" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand diff" -s o -l output -d 'Write the changes of the writable layer A as a layer tar to this file; - for stdout' -r -F
complete -c transom -n "__fish_transom_using_subcommand diff" -l source-date-epoch -d 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then' -r
complete -c transom -n "__fish_transom_using_subcommand diff" -l whiteouts -d 'What whiteouts do' -r -f -a "auto\t'As the writer of each layer meant them: hcs for layers by Windows, oci for all others'
hcs\t'As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing'
oci\t'As the OCI specification says: whiteouts act on lower layers only'"
complete -c transom -n "__fish_transom_using_subcommand diff" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand diff" -l content -d 'Leave out entries of which only the metadata differs'
complete -c transom -n "__fish_transom_using_subcommand diff" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand diff" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand changes" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand changes" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand changes" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand changes" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand create" -l from -d 'The image to write over' -r
complete -c transom -n "__fish_transom_using_subcommand create" -l storage-opt -d 'size=20GB bounds what the layer can hold (takes root); other options are ignored' -r
complete -c transom -n "__fish_transom_using_subcommand create" -l size -d 'Short for --storage-opt size=SIZE' -r
complete -c transom -n "__fish_transom_using_subcommand create" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand create" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand create" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand create" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand list" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand list" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand list" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand list" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand mount" -l via -d 'How to mount an image [default: the best way there is here]' -r -f -a "kernel\t'By the kernel, from the files themselves (Linux 6.12, root)'
loop\t'By the kernel, through loop devices (Linux 6.4, root)'
fuse\t'By a process in the background (FUSE): without root, with look-ups in any case and file:stream'"
complete -c transom -n "__fish_transom_using_subcommand mount" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand mount" -l raw -d 'Show the whole tree (Files, Hives, UtilityVM) instead of C:\\'
complete -c transom -n "__fish_transom_using_subcommand mount" -l ro -d 'NAME is an image, to be looked at only'
complete -c transom -n "__fish_transom_using_subcommand mount" -l foreground -d 'Serve a FUSE mount from this process, until it is unmounted'
complete -c transom -n "__fish_transom_using_subcommand mount" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand mount" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand mount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand umount" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand umount" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand umount" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand umount" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand commit" -s t -l tag -d 'Name of the new image; may be given more than once' -r
complete -c transom -n "__fish_transom_using_subcommand commit" -s m -l message -d 'Remark in its history' -r
complete -c transom -n "__fish_transom_using_subcommand commit" -s a -l author -d 'Who made it' -r
complete -c transom -n "__fish_transom_using_subcommand commit" -l source-date-epoch -d 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then' -r
complete -c transom -n "__fish_transom_using_subcommand commit" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand commit" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand commit" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand commit" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand apply" -l on -d 'The image to put it on' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -s t -l tag -d 'Name of the new image; may be given more than once' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -s m -l message -d 'Remark in its history' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -s a -l author -d 'Who made it' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l source-date-epoch -d 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l max-entries -d 'Most entries a layer may have [default: 4000000]' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l max-bytes -d 'Most bytes a layer\'s tar may have [default: 2 TiB]' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l max-ratio -d 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l max-depth -d 'Most names a path may be made of [default: 16384]' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l max-pax -d 'Most bytes of an entry\'s PAX header [default: 1 MiB; 64 MiB at most]' -r
complete -c transom -n "__fish_transom_using_subcommand apply" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand apply" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand apply" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand apply" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand grow" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand grow" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand grow" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand grow" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand mkdir" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand mkdir" -s p -l parents -d 'Make the folders above, too, and mind none that is there'
complete -c transom -n "__fish_transom_using_subcommand mkdir" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand mkdir" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand mkdir" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand mv" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand mv" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand mv" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand mv" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand attrib" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand attrib" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand attrib" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand attrib" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand acl" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand acl" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand acl" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand acl" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand verify" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand verify" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand verify" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand verify" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand fsck" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand fsck" -s n -l dry-run -d 'Tell what is wrong and what would be done; change nothing'
complete -c transom -n "__fish_transom_using_subcommand fsck" -l full -d 'Read everything and compare digests, not only sizes'
complete -c transom -n "__fish_transom_using_subcommand fsck" -l rebuild -d 'Make the catalog again from what lies beside it, if it is missing or damaged. Nobody may use the store meanwhile'
complete -c transom -n "__fish_transom_using_subcommand fsck" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand fsck" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand fsck" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand rm" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand rm" -s r -l recursive -d 'Delete folders in a writable layer with all that is in them'
complete -c transom -n "__fish_transom_using_subcommand rm" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand rm" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand rm" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand gc" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand gc" -l compressed -d 'Delete kept compressed layers, too: save will write new ones with new digests'
complete -c transom -n "__fish_transom_using_subcommand gc" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand gc" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand gc" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand df" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand df" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand df" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand df" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand doctor" -l folder -d 'The folder to test [default: that of the store; on Windows a temporary one]' -r -F
complete -c transom -n "__fish_transom_using_subcommand doctor" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand doctor" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand doctor" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand serve" -l config -d 'The configuration file [default: /etc/transom/config.toml, on Windows transom\\config.toml in the folder ProgramData, if it is there]' -r -F
complete -c transom -n "__fish_transom_using_subcommand serve" -l containerd -d 'Serve containerd\'s snapshotter and differ at this socket, for a section [proxy_plugins] of its configuration' -r -F
complete -c transom -n "__fish_transom_using_subcommand serve" -l containerd-address -d 'The socket at which that containerd listens: layers are read from and written to its content store [default: /run/containerd/containerd.sock, on Windows \\\\.\\pipe\\containerd-containerd]' -r -F
complete -c transom -n "__fish_transom_using_subcommand serve" -l mounts -d 'What kind of mounts containerd is given [default: bind]' -r -f -a "bind\t'Bind mounts of what the store has mounted'
windows-layer\t'As containerd\'s snapshotter for Windows gives them: nothing is mounted'"
complete -c transom -n "__fish_transom_using_subcommand serve" -l unpack-by-mount -d 'Give real mounts also for unpacking, for a containerd whose differ cannot be replaced (1.6). Windows attributes of layers that it unpacks are lost' -r -f -a "true\t''
false\t''"
complete -c transom -n "__fish_transom_using_subcommand serve" -l graphdriver -d 'Serve Docker\'s graph-driver plugin at this socket: /run/docker/plugins/NAME.sock makes it dockerd\'s --storage-driver NAME' -r -F
complete -c transom -n "__fish_transom_using_subcommand serve" -l log-format -d 'How log lines look [default: text]' -r -f -a "text\t'For people'
json\t'One JSON object a line'"
complete -c transom -n "__fish_transom_using_subcommand serve" -l log-level -d 'Which lines are logged [default: info]' -r -f -a "error\t'What made the server fail'
warn\t'Calls that failed'
info\t'What the server does on the whole'
debug\t'Each call'"
complete -c transom -n "__fish_transom_using_subcommand serve" -l metrics -d 'Answer GET /metrics (Prometheus) and GET /healthz at this address: a port of this host alone, or ADDRESS:PORT' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l max-entries -d 'Most entries a layer may have [default: 4000000]' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l max-bytes -d 'Most bytes a layer\'s tar may have [default: 2 TiB]' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l max-ratio -d 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l max-depth -d 'Most names a path may be made of [default: 16384]' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l max-pax -d 'Most bytes of an entry\'s PAX header [default: 1 MiB; 64 MiB at most]' -r
complete -c transom -n "__fish_transom_using_subcommand serve" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand serve" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand serve" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -f -a "show" -d 'Print the values that `serve` would take, and where each comes from'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -f -a "containerd" -d 'Print the sections that containerd\'s configuration needs, or check that they are there'
complete -c transom -n "__fish_transom_using_subcommand config; and not __fish_seen_subcommand_from show containerd help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'The configuration file [default: /etc/transom/config.toml, on Windows transom\\config.toml in the folder ProgramData, if it is there]' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from show" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l containerd -d 'The containerd whose version counts' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l version -d 'Its version, if it is not here: 1.6, 1.7, 2.1' -r
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l check -d 'Print nothing if this configuration has all that is needed; else what is missing or wrong' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l config -d 'The configuration file [default: /etc/transom/config.toml, on Windows transom\\config.toml in the folder ProgramData, if it is there]' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from containerd" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the values that `serve` would take, and where each comes from'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "containerd" -d 'Print the sections that containerd\'s configuration needs, or check that they are there'
complete -c transom -n "__fish_transom_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c transom -n "__fish_transom_using_subcommand completions" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand completions" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand completions" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand completions" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand generate" -l out -d 'The folder' -r -F
complete -c transom -n "__fish_transom_using_subcommand generate" -l root -d 'Folder of the store [default: /var/lib/transom for root, else transom in the user\'s data folder]' -r -F
complete -c transom -n "__fish_transom_using_subcommand generate" -l json -d 'Print results as JSON'
complete -c transom -n "__fish_transom_using_subcommand generate" -s q -l quiet -d 'Print no progress and no notes'
complete -c transom -n "__fish_transom_using_subcommand generate" -s h -l help -d 'Print help'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "load" -d 'Load images from an OCI layout, an OCI archive or a docker archive'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "save" -d 'Write images out, with the digests they came with'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "pull" -d 'Fetch an image from a registry'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "push" -d 'Send an image to a registry, with the digests it came with'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "images" -d 'List images'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "layers" -d 'List layers'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "tag" -d 'Give an image one more name'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "inspect" -d 'Tell all that is known of an image'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "history" -d 'Tell how an image was made, step by step'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "ls" -d 'List a folder'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "stat" -d 'Tell all that is known of files: times, attributes, security, streams, links, layer'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "cat" -d 'Print files or streams'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "cp" -d 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "find" -d 'Find files'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "diff" -d 'Compare two images or layers, or write the changes of a writable layer as a layer tar'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "changes" -d 'List what a layer, sealed or writable, changes in the layers below it'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "create" -d 'Make a writable layer over an image'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "list" -d 'List writable layers and what is mounted'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "mount" -d 'Mount a writable layer, or a read-only view of an image, at a folder'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "umount" -d 'Unmount a writable layer, or what is mounted at a folder'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "commit" -d 'Make an image of a writable layer and what it was made from'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "apply" -d 'Make an image of another one and a layer tar'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "grow" -d 'Make a writable layer hold more (Linux)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "mkdir" -d 'Make folders in a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "mv" -d 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "attrib" -d 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "acl" -d 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "verify" -d 'Check images, or all that is in the store, against their digests'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "fsck" -d 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "rm" -d 'Remove images, names of images, writable layers, or files in one'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "gc" -d 'Delete what nothing refers to'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "df" -d 'Tell what takes how much space'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "doctor" -d 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "serve" -d 'Serve container engines until told to stop'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "config" -d 'Show the server\'s configuration, or make containerd\'s'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "completions" -d 'Print the completions of a shell'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "generate" -d 'Write man pages and completions into a folder'
complete -c transom -n "__fish_transom_using_subcommand help; and not __fish_seen_subcommand_from load save pull push images layers tag inspect history ls stat cat cp find diff changes create list mount umount commit apply grow mkdir mv attrib acl verify fsck rm gc df doctor serve config completions generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c transom -n "__fish_transom_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print the values that `serve` would take, and where each comes from'
complete -c transom -n "__fish_transom_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "containerd" -d 'Print the sections that containerd\'s configuration needs, or check that they are there'
