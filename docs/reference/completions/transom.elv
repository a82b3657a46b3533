
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
            cand images 'List images'
            cand layers 'List layers'
            cand tag 'Give an image one more name'
            cand inspect 'Tell all that is known of an image'
            cand history 'Tell how an image was made, step by step'
            cand ls 'List a folder'
            cand stat 'Tell all that is known of files: times, attributes, security, streams, links, layer'
            cand cat 'Print files or streams'
            cand cp 'Copy files and folders out of an image'
            cand find 'Find files'
            cand diff 'Compare two images or layers'
            cand changes 'List what a layer changes in the layers below it'
            cand verify 'Check images, or all that is in the store, against their digests'
            cand rm 'Remove images, or names of images, and the layers that nothing else needs'
            cand gc 'Delete what nothing refers to'
            cand df 'Tell what takes how much space'
            cand completions 'Print the completions of a shell'
            cand generate 'Write man pages and completions into a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;load'= {
            cand --name 'Name of the image, instead of the one it brings; may be given more than once'
            cand --platform 'Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine''s architecture]'
            cand --whiteouts 'What whiteouts do when the stack is checked'
            cand --jobs 'Layers imported at the same time [default: number of cores]'
            cand --max-entries 'Most entries a layer may have'
            cand --max-bytes 'Most bytes a layer''s tar may have'
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
        &'transom;verify'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
            cand --json 'Print results as JSON'
            cand -q 'Print no progress and no notes'
            cand --quiet 'Print no progress and no notes'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'transom;rm'= {
            cand --root 'Folder of the store [default: /var/lib/transom for root, else transom in the user''s data folder]'
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
            cand images 'List images'
            cand layers 'List layers'
            cand tag 'Give an image one more name'
            cand inspect 'Tell all that is known of an image'
            cand history 'Tell how an image was made, step by step'
            cand ls 'List a folder'
            cand stat 'Tell all that is known of files: times, attributes, security, streams, links, layer'
            cand cat 'Print files or streams'
            cand cp 'Copy files and folders out of an image'
            cand find 'Find files'
            cand diff 'Compare two images or layers'
            cand changes 'List what a layer changes in the layers below it'
            cand verify 'Check images, or all that is in the store, against their digests'
            cand rm 'Remove images, or names of images, and the layers that nothing else needs'
            cand gc 'Delete what nothing refers to'
            cand df 'Tell what takes how much space'
            cand completions 'Print the completions of a shell'
            cand generate 'Write man pages and completions into a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'transom;help;load'= {
        }
        &'transom;help;save'= {
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
        &'transom;help;verify'= {
        }
        &'transom;help;rm'= {
        }
        &'transom;help;gc'= {
        }
        &'transom;help;df'= {
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
