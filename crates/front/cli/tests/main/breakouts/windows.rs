//! What only Windows takes for a way out: drives, devices, streams, junctions, other cases of a name.

use transom_layer::Names;

use super::case::Entry::{Dir, File, Junction, Link, Symlink};
use super::case::Expected::{Refused, Tree};
use super::case::{Case, Entry, Expected, case};
use super::ways::try_all;

#[test]
fn names_that_are_paths_of_windows_are_refused() {
    let refused = |name, layer, words| case(name, layer, Refused(words));
    const BACKSLASH: &[&str] = &["backslash"];
    const ABSOLUTE: &[&str] = &["absolute"];
    try_all(
        Names::Windows,
        &[
            refused(
                "up by backslashes",
                &[File(r"Files\..\..\x", "x")],
                BACKSLASH,
            ),
            refused(
                "up by backslashes, mixed",
                &[File(r"Files/..\..\x", "x")],
                BACKSLASH,
            ),
            refused("up", &[File("Files/../../x", "x")], &["`..`"]),
            refused("a backslash", &[File(r"Files\x", "x")], BACKSLASH),
            refused("a drive", &[File(r"C:\Windows\x", "x")], ABSOLUTE),
            refused(
                "a drive with slashes",
                &[File("C:/Windows/x", "x")],
                ABSOLUTE,
            ),
            refused("a drive alone", &[Dir("C:")], ABSOLUTE),
            refused(
                "relative to a drive, below",
                &[File("C:x/y", "x")],
                &["`:`"],
            ),
            refused("UNC", &[File(r"\\server\share\x", "x")], ABSOLUTE),
            refused(
                "UNC with slashes",
                &[File("//server/share/x", "x")],
                ABSOLUTE,
            ),
            refused("an NT path", &[File(r"\\?\C:\x", "x")], ABSOLUTE),
            refused(
                "an NT path with slashes",
                &[File("//?/C:/x", "x")],
                ABSOLUTE,
            ),
            refused(
                "a device path",
                &[File(r"\\.\PhysicalDrive0", "x")],
                ABSOLUTE,
            ),
            refused("an object path", &[File(r"\??\C:\x", "x")], ABSOLUTE),
        ],
    );
}

#[test]
fn relative_to_a_drive_is_no_file_of_the_layer() {
    try_all(
        Names::Windows,
        &[case("C:x", &[File("C:x", "x")], Refused(&["C:x"]))],
    );
}

#[test]
fn streams_belong_to_files_and_folders_that_are_there() {
    let refused = |name, layer, words| case(name, layer, Refused(words));
    try_all(
        Names::Windows,
        &[
            case(
                "a stream",
                &[File("Files/a", "a"), File("Files/a:s", "stream")],
                Tree(&["Files/a = a", "Files/a:s = stream"]),
            ),
            refused(
                "a stream of nothing",
                &[File("Files/none:s", "x")],
                &["Files/none:s"],
            ),
            refused(
                "a stream's stream",
                &[File("Files/a", ""), File("Files/a:s:t", "x")],
                &["`:`"],
            ),
            refused(
                "the index of a folder",
                &[File("Files:$I30:$INDEX_ALLOCATION", "x")],
                &["`:`"],
            ),
            refused("the data itself", &[File("Files/a::$DATA", "x")], &["`:`"]),
            refused(
                "below a stream",
                &[File("Files/a", ""), File("Files/a:s/x", "x")],
                &["`:`"],
            ),
            refused(
                "a stream without a name",
                &[File("Files/a", ""), File("Files/a:", "x")],
                &["`:`"],
            ),
            refused(
                "up in a stream",
                &[File("Files/a", ""), File(r"Files/a:..\..\x", "x")],
                &["backslash"],
            ),
        ],
    );
}

#[test]
fn names_that_win32_cannot_reach_are_files_like_others() {
    try_all(
        Names::Windows,
        &[case(
            "devices, dots and spaces at the end, short names",
            &[
                File("Files/CON", "con"),
                File("Files/NUL.txt", "nul"),
                File("Files/COM1", "com1"),
                File("Files/dot.", "dot"),
                File("Files/dot", "no dot"),
                File("Files/space ", "space"),
                File("Files/PROGRA~1", "short"),
                Dir("Files/Program Files"),
            ],
            Tree(&[
                "Files/COM1 = com1",
                "Files/CON = con",
                "Files/NUL.txt = nul",
                "Files/PROGRA~1 = short",
                "Files/Program Files/",
                "Files/dot = no dot",
                "Files/dot. = dot",
                "Files/space  = space",
            ]),
        )],
    );
}

#[test]
fn names_that_ntfs_cannot_have_are_refused() {
    let refused = |name, layer: &'static [Entry], words| case(name, layer, Refused(words));
    try_all(
        Names::Windows,
        &[
            refused(
                "a slash of another script is one character",
                &[File("Files/.\u{2215}.", "x"), File("../x", "x")],
                &["`..`"],
            ),
            refused("256 characters", &[File(LONG, "x")], &["256"]),
            refused("an empty name", &[File("", "x")], &["empty name"]),
        ],
    );
}

const LONG: &str = concat!(
    "Files/",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
);

#[test]
fn one_name_in_two_cases_is_one_name() {
    try_all(
        Names::Windows,
        &[
            case(
                "a file twice",
                &[File("Files/a", "1"), File("Files/A", "2")],
                Refused(&["Files/A", "twice"]),
            ),
            case(
                "below a link, in another case",
                &[Symlink("Files/Link", r"..\..\x"), File("Files/LINK/x", "x")],
                Refused(&["Files/LINK/x", "no folder"]),
            ),
            case(
                "a folder in two cases",
                &[Dir("Files/D"), File("Files/d/x", "x")],
                Tree(&["Files/D/", "Files/D/x = x"]),
            ),
        ],
    );
}

#[test]
fn links_and_junctions_are_text_that_nothing_follows() {
    try_all(
        Names::Windows,
        &[
            case(
                "links everywhere",
                &[
                    Junction("Files/junction", r"\??\C:\Windows"),
                    Junction(
                        "Files/mount point",
                        r"\??\Volume{00000000-0000-0000-0000-000000000000}\",
                    ),
                    Symlink("Files/absolute", r"C:\Windows\System32"),
                    Symlink("Files/up", r"..\..\..\etc\passwd"),
                    Symlink("Files/unc", r"\\server\share"),
                ],
                Tree(&[
                    r"Files/absolute -> C:\Windows\System32",
                    r"Files/junction -> \??\C:\Windows",
                    r"Files/mount point -> \??\Volume{00000000-0000-0000-0000-000000000000}\",
                    r"Files/unc -> \\server\share",
                    r"Files/up -> ..\..\..\etc\passwd",
                ]),
            ),
            case(
                "a file below a junction",
                &[Junction("Files/j", r"\??\C:\"), File("Files/j/x", "x")],
                Refused(&["Files/j/x", "no folder"]),
            ),
            case(
                "a hard link through a junction",
                &[
                    Junction("Files/j", r"\??\C:\"),
                    Link("Files/l", "Files/j/x"),
                ],
                Refused(&["Files/l"]),
            ),
            case(
                "a hard link by a path of Windows",
                &[Link("Files/l", r"C:\Windows\x")],
                Refused(&["Files/l", "absolute"]),
            ),
        ],
    );
}

#[test]
fn hives_and_the_utility_vm_are_folders_that_nothing_escapes_to() {
    const BELOW: &[Entry] = &[
        Dir("Files"),
        Dir("Hives"),
        File("Hives/System_Base", "regf"),
    ];
    let over = |name, layer, expected: Expected| Case {
        name,
        below: BELOW,
        layer,
        expected,
    };
    try_all(
        Names::Windows,
        &[
            over(
                "up from Hives",
                &[File("Hives/../../System_Base", "x")],
                Refused(&["`..`"]),
            ),
            over(
                "up from the utility VM",
                &[File("UtilityVM/Files/../../../x", "x")],
                Refused(&["`..`"]),
            ),
            over(
                "a hard link to a hive from Files",
                &[Link("Files/l", "Hives/../Hives/System_Base")],
                Refused(&["Files/l", "`..`"]),
            ),
            over(
                "a link instead of Hives",
                &[Symlink("Hives", r"..\..\etc")],
                Tree(&["Files/", r"Hives -> ..\..\etc"]),
            ),
        ],
    );
}

#[test]
fn whiteouts_of_windows_delete_names_of_the_layers_only() {
    const BELOW: &[Entry] = &[
        Dir("Files"),
        File("Files/gone", "x"),
        Junction("Files/j", r"\??\C:\Windows"),
    ];
    let over = |name, layer, expected: Expected| Case {
        name,
        below: BELOW,
        layer,
        expected,
    };
    try_all(
        Names::Windows,
        &[
            over(
                "a whiteout of a junction",
                &[File("Files/.wh.j", "")],
                Tree(&["Files/", "Files/gone = x"]),
            ),
            over(
                "up",
                &[File("Files/.wh...", "")],
                Refused(&["Files/.wh..."]),
            ),
            over(
                "the folder itself",
                &[File("Files/.wh..", "")],
                Refused(&["Files/.wh.."]),
            ),
            over(
                "by backslashes",
                &[File(r"Files/.wh...\..\x", "")],
                Refused(&["backslash"]),
            ),
            over("a drive", &[File("Files/.wh.C:", "")], Refused(&[".wh.C:"])),
            over(
                "a stream",
                &[File("Files/.wh.gone:s", "")],
                Refused(&["stream"]),
            ),
        ],
    );
}
