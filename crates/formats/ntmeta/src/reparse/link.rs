//! Symbolic links and mount points (MS-FSCC 2.1.2.4 and 2.1.2.5).

use super::{
    HEADER_LEN, MAX_BUFFER_LEN, ReparseBuffer, ReparseError, TAG_MOUNT_POINT, TAG_SYMLINK,
};

/// Two offsets and two lengths of 16 bits.
const NAME_FIELDS_LEN: usize = 8;
/// SYMLINK_FLAG_RELATIVE, the only flag of a symbolic link.
const FLAG_RELATIVE: u32 = 1;
/// The NT namespace in which absolute substitute names are written.
const NT_PREFIX: &str = r"\??\";

/// The two kinds of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// A symbolic link to a file or a directory.
    Symlink,
    /// A junction to a directory, or the mount point of a volume.
    MountPoint,
}

impl LinkKind {
    fn tag(self) -> u32 {
        match self {
            LinkKind::Symlink => TAG_SYMLINK,
            LinkKind::MountPoint => TAG_MOUNT_POINT,
        }
    }

    /// Bytes between the header and the name buffer.
    fn fixed_len(self) -> usize {
        match self {
            LinkKind::Symlink => NAME_FIELDS_LEN + size_of::<u32>(),
            LinkKind::MountPoint => NAME_FIELDS_LEN,
        }
    }
}

/// A decoded symbolic link or mount point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which of the two it is.
    pub kind: LinkKind,
    /// The name that Windows follows, an NT path such as `\??\C:\Target` unless `relative`.
    pub substitute: String,
    /// The name that is shown; may be empty.
    pub print: String,
    /// Whether a symbolic link's substitute name is relative to the link. Always false for mount points, which cannot say it.
    pub relative: bool,
}

/// Decodes a whole reparse buffer that holds a symbolic link or a mount point.
///
/// # Errors
/// Other tags, broken lengths and offsets, names that are not UTF-16, unknown flags.
pub fn decode_link(buffer: &[u8]) -> Result<Link, ReparseError> {
    let ReparseBuffer { tag, data, .. } = ReparseBuffer::parse(buffer)?;
    let kind = match tag {
        TAG_SYMLINK => LinkKind::Symlink,
        TAG_MOUNT_POINT => LinkKind::MountPoint,
        tag => return Err(ReparseError::NotALink { tag }),
    };
    let Some((fixed, names)) = data.split_at_checked(kind.fixed_len()) else {
        return Err(ReparseError::TooShort {
            expected: HEADER_LEN + kind.fixed_len(),
            found: buffer.len(),
        });
    };
    let field = |index: usize| usize::from(u16::from_le_bytes([fixed[index], fixed[index + 1]]));
    let relative = match kind {
        LinkKind::MountPoint => false,
        LinkKind::Symlink => match u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]) {
            0 => false,
            FLAG_RELATIVE => true,
            found => return Err(ReparseError::UnknownFlags { found }),
        },
    };
    Ok(Link {
        kind,
        substitute: name_in(names, "substitute", field(0), field(2))?,
        print: name_in(names, "print", field(4), field(6))?,
        relative,
    })
}

fn name_in(
    names: &[u8],
    name: &'static str,
    offset: usize,
    len: usize,
) -> Result<String, ReparseError> {
    // Offset and length are 16-bit fields, so the sum cannot overflow.
    let bytes = names
        .get(offset..offset + len)
        .filter(|bytes| bytes.len().is_multiple_of(2))
        .ok_or(ReparseError::NameOutOfBounds {
            name,
            offset,
            len,
            available: names.len(),
        })?;
    let units = bytes
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .map_err(|_| ReparseError::NotUtf16 { name })
}

/// Encodes a link as go-winio does: `/` becomes `\`, the substitute name comes first, both names end with a NUL that is not counted.
///
/// `\\?\X` is taken as an NT path, `\\server\share` as a UNC path, `C:…` as a path on a drive, and everything else
/// (`\X` and nothing at all included) as relative. A mount point cannot say that it is relative; the caller has to
/// make sure that its target is not.
///
/// # Errors
/// Targets that hold NUL, and links that would not fit [`MAX_BUFFER_LEN`].
pub fn encode_link(kind: LinkKind, target: &str) -> Result<Vec<u8>, ReparseError> {
    if target.contains('\0') {
        return Err(ReparseError::TargetHoldsNul {
            target: target.to_owned(),
        });
    }
    let print = target.replace('/', "\\");
    let (substitute, relative) = substitute_for(&print);
    let substitute = utf16_bytes(&substitute);
    let print = utf16_bytes(&print);

    const NUL_LEN: usize = 2;
    let names_len = substitute.len() + NUL_LEN + print.len() + NUL_LEN;
    let data_len = kind.fixed_len() + names_len;
    let found = HEADER_LEN + data_len;
    if found > MAX_BUFFER_LEN {
        return Err(ReparseError::TooLong { found });
    }
    // All lengths are below 16 KiB here.
    let field = |value: usize| (value as u16).to_le_bytes();

    let mut buffer = Vec::with_capacity(found);
    buffer.extend(kind.tag().to_le_bytes());
    buffer.extend(field(data_len));
    buffer.extend(field(0));
    buffer.extend(field(0));
    buffer.extend(field(substitute.len()));
    buffer.extend(field(substitute.len() + NUL_LEN));
    buffer.extend(field(print.len()));
    if kind == LinkKind::Symlink {
        buffer.extend(u32::from(relative).to_le_bytes());
    }
    for name in [substitute, print] {
        buffer.extend(name);
        buffer.extend([0; NUL_LEN]);
    }
    Ok(buffer)
}

/// The substitute name for a target with backslashes, and whether it is relative.
fn substitute_for(target: &str) -> (String, bool) {
    if let Some(path) = target.strip_prefix(r"\\?\") {
        (format!("{NT_PREFIX}{path}"), false)
    } else if let Some(share) = target.strip_prefix(r"\\") {
        (format!(r"{NT_PREFIX}UNC\{share}"), false)
    } else if starts_with_drive(target) {
        (format!("{NT_PREFIX}{target}"), false)
    } else {
        (target.to_owned(), true)
    }
}

fn starts_with_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Returns the target of a link as a Win32 path: its print name, or the substitute name where that is empty.
///
/// A substitute name loses its NT prefix: `\??\C:\X` becomes `C:\X`, `\??\UNC\s\x` becomes `\\s\x`, and what needs a prefix
/// keeps Win32's (`\??\Volume{…}\` becomes `\\?\Volume{…}\`), so that [`encode_link`] finds the same substitute name again.
pub fn target_of(link: &Link) -> String {
    if !link.print.is_empty() {
        return link.print.clone();
    }
    match link.substitute.strip_prefix(NT_PREFIX) {
        None => link.substitute.clone(),
        Some(path) if starts_with_drive(path) => path.to_owned(),
        Some(path) => match path.strip_prefix(r"UNC\") {
            Some(share) => format!(r"\\{share}"),
            None => format!(r"\\?\{path}"),
        },
    }
}

/// Says whether a link survives being reduced to its kind and target: encoding [`target_of`] gives the same tag,
/// substitute name and relative flag. False for other tags and for damaged buffers.
pub fn is_representable(buffer: &[u8]) -> bool {
    let Ok(link) = decode_link(buffer) else {
        return false;
    };
    let again = encode_link(link.kind, &target_of(&link)).and_then(|buffer| decode_link(&buffer));
    again.is_ok_and(|again| again.substitute == link.substitute && again.relative == link.relative)
}
