
use builtin;
use str;

set edit:completion:arg-completer[transom] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'transom'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'transom'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand load 'Load images from an OCI layout, an OCI archive or a docker archive'
            cand save 'Write images out, with the digests they came with'
            cand pull 'Fetch an image from a registry'
            cand push 'Send an image to a registry, with the digests it came with'
            cand images 'List images'
            cand layers 'List layers'
            cand tag 'Give an image one more name'
            cand inspect 'Tell all that is known of an image'
            cand history 'Tell how an image was made, step by step'
            cand ls 'List a folder'
            cand stat 'Tell all that is known of files: times, attributes, security, streams, links, layer'
            cand cat 'Print files or streams'
            cand cp 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)'
            cand find 'Find files'
            cand diff 'Compare two images or layers, or write the changes of a writable layer as a layer tar'
            cand changes 'List what a layer, sealed or writable, changes in the layers below it'
            cand create 'Make a writable layer over an image'
            cand list 'List writable layers and what is mounted'
            cand mount 'Mount a writable layer, or a read-only view of an image, at a folder'
            cand umount 'Unmount a writable layer, or what is mounted at a folder'
            cand commit 'Make an image of a writable layer and what it was made from'
            cand apply 'Make an image of another one and a layer tar'
            cand grow 'Make a writable layer hold more (Linux)'
            cand mkdir 'Make folders in a writable layer (Linux; on Windows work in the mounted one)'
            cand mv 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)'
            cand attrib 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)'
            cand acl 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)'
            cand verify 'Check images, or all that is in the store, against their digests'
            cand fsck 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)'
            cand rm 'Remove images, names of images, writable layers, or files in one'
            cand gc 'Delete what nothing refers to'
            cand df 'Tell what takes how much space'
            cand doctor 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live'
            cand serve 'Serve container engines until told to stop'
            cand config 'Show the server''s configuration, or make containerd''s'
            cand completions 'Print the completions of a shell'
            cand generate 'Write man pages and completions into a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;load'= {
            cand --name 'Name of the image, instead of the one it brings; may be given more than once'
            cand --platform 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine''s architecture]'
            cand --whiteouts 'What whiteouts do when the stack is checked'
            cand --jobs 'Layers imported at the same time [default: number of cores]'
            cand --max-entries 'Most entries a layer may have [default: 4000000]'
            cand --max-bytes 'Most bytes a layer''s tar may have [default: 2 TiB]'
            cand --max-ratio 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]'
            cand --max-depth 'Most names a path may be made of [default: 16384]'
            cand --max-pax 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --drop-compressed 'Do not keep the compressed layers: saves space, but save will write new ones with new digests'
            cand --strict 'Refuse what is otherwise only noted: whiteouts of nothing'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;save'= {
            cand -o 'Where to; - writes an archive to stdout'
            cand --output 'Where to; - writes an archive to stdout'
            cand --format 'What to write'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;pull'= {
            cand --name 'Name of the image in the store, instead of the one it is pulled by'
            cand --platform 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine''s architecture]; or all: the one that would be taken alone gets the name'
            cand --whiteouts 'What whiteouts do when the stack is checked'
            cand --jobs 'Layers fetched at the same time'
            cand --mirror 'Look for images of HOST at URL first; may be given more than once'
            cand --username 'Log in as this user [default: what Docker''s config.json and its helpers say]'
            cand --max-entries 'Most entries a layer may have [default: 4000000]'
            cand --max-bytes 'Most bytes a layer''s tar may have [default: 2 TiB]'
            cand --max-ratio 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]'
            cand --max-depth 'Most names a path may be made of [default: 16384]'
            cand --max-pax 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --drop-compressed 'Do not keep the compressed layers: saves space, but save and push will make new ones with new digests'
            cand --strict 'Refuse what is otherwise only noted: whiteouts of nothing'
            cand --plain-http 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS'
            cand --password-stdin 'Read the password from stdin'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;push'= {
            cand --also 'Push this image, too, and an index of all of them under the name; may be given more than once'
            cand --mount-from 'Ask the registry to take layers from this repository of its own; may be given more than once. Repositories that images in the store are named after are asked anyway'
            cand --jobs 'Layers sent at the same time'
            cand --username 'Log in as this user [default: what Docker''s config.json and its helpers say]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --push-foreign 'Push layers that are not distributed with images as ordinary ones; the manifest changes'
            cand --plain-http 'Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS'
            cand --password-stdin 'Read the password from stdin'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;images'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;layers'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;tag'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;inspect'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;history'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;ls'= {
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand -l 'Show attributes, size, time and owner'
            cand --long 'Show attributes, size, time and owner'
            cand -R 'Show what is in folders, too'
            cand --recursive 'Show what is in folders, too'
            cand -s 'Show alternate data streams, too'
            cand --streams 'Show alternate data streams, too'
            cand --raw 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;stat'= {
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --raw 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;cat'= {
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --raw 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;cp'= {
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --metadata 'Keep Windows metadata as extended attributes (user.MSWINDOWS.…), streams as file:stream, and times'
            cand --raw 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;find'= {
            cand --name 'Only names that match this, with * and ?, in any case in a Windows image'
            cand --type 'Only this kind'
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --raw 'Start paths at the tar''s root (Files, Hives, UtilityVM) instead of C:\'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;diff'= {
            cand -o 'Write the changes of the writable layer A as a layer tar to this file; - for stdout'
            cand --output 'Write the changes of the writable layer A as a layer tar to this file; - for stdout'
            cand --source-date-epoch 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then'
            cand --whiteouts 'What whiteouts do'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --content 'Leave out entries of which only the metadata differs'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;changes'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;create'= {
            cand --from 'The image to write over'
            cand --storage-opt 'size=20GB bounds what the layer can hold (takes root); other options are ignored'
            cand --size 'Short for --storage-opt size=SIZE'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;list'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;mount'= {
            cand --via 'How to mount an image [default: the best way there is here]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --raw 'Show the whole tree (Files, Hives, UtilityVM) instead of C:\'
            cand --ro 'NAME is an image, to be looked at only'
            cand --foreground 'Serve a FUSE mount from this process, until it is unmounted'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;umount'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;commit'= {
            cand -t 'Name of the new image; may be given more than once'
            cand --tag 'Name of the new image; may be given more than once'
            cand -m 'Remark in its history'
            cand --message 'Remark in its history'
            cand -a 'Who made it'
            cand --author 'Who made it'
            cand --source-date-epoch 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;apply'= {
            cand --on 'The image to put it on'
            cand -t 'Name of the new image; may be given more than once'
            cand --tag 'Name of the new image; may be given more than once'
            cand -m 'Remark in its history'
            cand --message 'Remark in its history'
            cand -a 'Who made it'
            cand --author 'Who made it'
            cand --source-date-epoch 'Set times after this one, seconds since 1970, to it: equal changes make equal layers then'
            cand --max-entries 'Most entries a layer may have [default: 4000000]'
            cand --max-bytes 'Most bytes a layer''s tar may have [default: 2 TiB]'
            cand --max-ratio 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]'
            cand --max-depth 'Most names a path may be made of [default: 16384]'
            cand --max-pax 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;grow'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;mkdir'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand -p 'Make the folders above, too, and mind none that is there'
            cand --parents 'Make the folders above, too, and mind none that is there'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;mv'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;attrib'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;acl'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;verify'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;fsck'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand -n 'Tell what is wrong and what would be done; change nothing'
            cand --dry-run 'Tell what is wrong and what would be done; change nothing'
            cand --full 'Read everything and compare digests, not only sizes'
            cand --rebuild 'Make the catalog again from what lies beside it, if it is missing or damaged. Nobody may use the store meanwhile'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;rm'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand -r 'Delete folders in a writable layer with all that is in them'
            cand --recursive 'Delete folders in a writable layer with all that is in them'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;gc'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --compressed 'Delete kept compressed layers, too: save will write new ones with new digests'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;df'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;doctor'= {
            cand --folder 'The folder to test [default: that of the store; on Windows a temporary one]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;serve'= {
            cand --config 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]'
            cand --containerd 'Serve containerd''s snapshotter and differ at this socket, for a section [proxy_plugins] of its configuration'
            cand --containerd-address 'The socket at which that containerd listens: layers are read from and written to its content store [default: /run/containerd/containerd.sock, on Windows \\.\pipe\containerd-containerd]'
            cand --mounts 'What kind of mounts containerd is given [default: bind]'
            cand --unpack-by-mount 'Give real mounts also for unpacking, for a containerd whose differ cannot be replaced (1.6). Windows attributes of layers that it unpacks are lost'
            cand --graphdriver 'Serve Docker''s graph-driver plugin at this socket: /run/docker/plugins/NAME.sock makes it dockerd''s --storage-driver NAME'
            cand --log-format 'How log lines look [default: text]'
            cand --log-level 'Which lines are logged [default: info]'
            cand --metrics 'Answer GET /metrics (Prometheus) and GET /healthz at this address: a port of this host alone, or ADDRESS:PORT'
            cand --max-entries 'Most entries a layer may have [default: 4000000]'
            cand --max-bytes 'Most bytes a layer''s tar may have [default: 2 TiB]'
            cand --max-ratio 'How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064]'
            cand --max-depth 'Most names a path may be made of [default: 16384]'
            cand --max-pax 'Most bytes of an entry''s PAX header [default: 1 MiB; 64 MiB at most]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'transom;config'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
            cand show 'Print the values that `serve` would take, and where each comes from'
            cand containerd 'Print the sections that containerd''s configuration needs, or check that they are there'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;config;show'= {
            cand --config 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;config;containerd'= {
            cand --containerd 'The containerd whose version counts'
            cand --version 'Its version, if it is not here: 1.6, 1.7, 2.1'
            cand --check 'Print nothing if this configuration has all that is needed; else what is missing or wrong'
            cand --config 'The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in the folder ProgramData, if it is there]'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;config;help'= {
            cand show 'Print the values that `serve` would take, and where each comes from'
            cand containerd 'Print the sections that containerd''s configuration needs, or check that they are there'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;config;help;show'= {
        }
        &'transom;config;help;containerd'= {
        }
        &'transom;config;help;help'= {
        }
        &'transom;completions'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;generate'= {
            cand --out 'The folder'
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;help'= {
            cand load 'Load images from an OCI layout, an OCI archive or a docker archive'
            cand save 'Write images out, with the digests they came with'
            cand pull 'Fetch an image from a registry'
            cand push 'Send an image to a registry, with the digests it came with'
            cand images 'List images'
            cand layers 'List layers'
            cand tag 'Give an image one more name'
            cand inspect 'Tell all that is known of an image'
            cand history 'Tell how an image was made, step by step'
            cand ls 'List a folder'
            cand stat 'Tell all that is known of files: times, attributes, security, streams, links, layer'
            cand cat 'Print files or streams'
            cand cp 'Copy files and folders out of an image, or into a writable layer (into one on Linux only)'
            cand find 'Find files'
            cand diff 'Compare two images or layers, or write the changes of a writable layer as a layer tar'
            cand changes 'List what a layer, sealed or writable, changes in the layers below it'
            cand create 'Make a writable layer over an image'
            cand list 'List writable layers and what is mounted'
            cand mount 'Mount a writable layer, or a read-only view of an image, at a folder'
            cand umount 'Unmount a writable layer, or what is mounted at a folder'
            cand commit 'Make an image of a writable layer and what it was made from'
            cand apply 'Make an image of another one and a layer tar'
            cand grow 'Make a writable layer hold more (Linux)'
            cand mkdir 'Make folders in a writable layer (Linux; on Windows work in the mounted one)'
            cand mv 'Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one)'
            cand attrib 'Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one)'
            cand acl 'Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one)'
            cand verify 'Check images, or all that is in the store, against their digests'
            cand fsck 'Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left)'
            cand rm 'Remove images, names of images, writable layers, or files in one'
            cand gc 'Delete what nothing refers to'
            cand df 'Tell what takes how much space'
            cand doctor 'Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live'
            cand serve 'Serve container engines until told to stop'
            cand config 'Show the server''s configuration, or make containerd''s'
            cand completions 'Print the completions of a shell'
            cand generate 'Write man pages and completions into a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;help;load'= {
        }
        &'transom;help;save'= {
        }
        &'transom;help;pull'= {
        }
        &'transom;help;push'= {
        }
        &'transom;help;images'= {
        }
        &'transom;help;layers'= {
        }
        &'transom;help;tag'= {
        }
        &'transom;help;inspect'= {
        }
        &'transom;help;history'= {
        }
        &'transom;help;ls'= {
        }
        &'transom;help;stat'= {
        }
        &'transom;help;cat'= {
        }
        &'transom;help;cp'= {
        }
        &'transom;help;find'= {
        }
        &'transom;help;diff'= {
        }
        &'transom;help;changes'= {
        }
        &'transom;help;create'= {
        }
        &'transom;help;list'= {
        }
        &'transom;help;mount'= {
        }
        &'transom;help;umount'= {
        }
        &'transom;help;commit'= {
        }
        &'transom;help;apply'= {
        }
        &'transom;help;grow'= {
        }
        &'transom;help;mkdir'= {
        }
        &'transom;help;mv'= {
        }
        &'transom;help;attrib'= {
        }
        &'transom;help;acl'= {
        }
        &'transom;help;verify'= {
        }
        &'transom;help;fsck'= {
        }
        &'transom;help;rm'= {
        }
        &'transom;help;gc'= {
        }
        &'transom;help;df'= {
        }
        &'transom;help;doctor'= {
        }
        &'transom;help;serve'= {
        }
        &'transom;help;config'= {
            cand show 'Print the values that `serve` would take, and where each comes from'
            cand containerd 'Print the sections that containerd''s configuration needs, or check that they are there'
        }
        &'transom;help;config;show'= {
        }
        &'transom;help;config;containerd'= {
        }
        &'transom;help;completions'= {
        }
        &'transom;help;generate'= {
        }
        &'transom;help;help'= {
        }
    ]
    $completions[$command]
}
