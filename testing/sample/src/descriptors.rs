//! The security descriptors of the sample, as SDDL. Real Windows layers, too, have few distinct ones.

use transom_ntmeta::sddl::from_sddl;

/// Folders of the system: TrustedInstaller owns them, the list is protected from inheritance.
pub const SYSTEM_FOLDER: &str = concat!(
    "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    "G:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI",
    "(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)",
    "(A;CIIO;GA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)",
    "(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)",
    "(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)",
);

/// Files of the system.
pub const SYSTEM_FILE: &str = concat!(
    "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    "G:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI",
    "(A;;0x1200a9;;;SY)(A;;0x1200a9;;;BA)(A;;0x1200a9;;;BU)",
    "(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)",
);

/// What nobody but the system and administrators may see, such as the folder of the hives.
pub const PRIVATE_FOLDER: &str = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// A file that inherited from [`PRIVATE_FOLDER`].
pub const PRIVATE_FILE: &str = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)";

/// A folder of ordinary programs and data; all of its list is inherited.
pub const FOLDER: &str = concat!(
    "O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)",
    "(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)(A;CIID;DC;;;BU)",
);

/// A file that inherited from [`FOLDER`].
pub const FILE: &str = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)";

/// A file with entries of its own before the inherited ones.
pub const LOCKED_FILE: &str =
    "O:BAG:SYD:AI(D;;WP;;;BU)(A;;FR;;;AU)(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)";

/// A folder that programs of low integrity may write to: its SACL has a mandatory label.
pub const LOW_FOLDER: &str =
    "O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)S:AI(ML;OICI;NW;;;LW)";

/// The compatibility junctions of a Windows volume: they can be followed but not listed.
pub const OLD_NAME_LINK: &str =
    "O:SYG:SYD:PAI(D;;CC;;;WD)(A;;0x1200a9;;;WD)(A;;FA;;;SY)(A;;FA;;;BA)";

/// Turns SDDL into the bytes of a self-relative descriptor.
///
/// # Errors
/// If the text is not SDDL.
pub fn bytes(sddl: &str) -> anyhow::Result<Vec<u8>> {
    Ok(from_sddl(sddl)?)
}
