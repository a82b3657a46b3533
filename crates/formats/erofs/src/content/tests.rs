use proptest::prelude::*;

use super::*;

const SIZES: [u64; 2] = [1 << 40, 1 << 20];

fn device(logical: u64, length: u64, offset: u64) -> Extent {
    let id = DeviceId(1);
    Extent {
        logical,
        length,
        source: Source::Device { id, offset },
    }
}

fn bytes(logical: u64, bytes: &[u8]) -> Extent {
    let length = bytes.len() as u64;
    Extent {
        logical,
        length,
        source: Source::Bytes(bytes.to_vec()),
    }
}

fn content(size: u64, extents: Vec<Extent>) -> Result<Content, WriteError> {
    Content::new(size, extents, &SIZES, 9)
}

fn indexes(size: u64, extents: Vec<Extent>) -> (u32, Vec<(u16, u32)>) {
    let content = content(size, extents).expect("valid extents");
    (content.chunk_bits, content.indexes().collect())
}

const HOLE: (u16, u32) = (0, NULL_BLOCK);

#[test]
fn contiguous_file_has_one_index_whatever_its_size() {
    assert_eq!(indexes(1, vec![device(0, 1, 512)]), (0, vec![(1, 1)]));
    assert_eq!(indexes(513, vec![device(0, 513, 512)]), (1, vec![(1, 1)]));
    let size = 5 << 30;
    assert_eq!(
        indexes(size, vec![device(0, size, 1024)]),
        (24, vec![(1, 2)])
    );
    assert_eq!(contiguous_chunks(3), (2, 1));
    assert_eq!(contiguous_chunks(1 << 31), (31, 1));
    assert_eq!(contiguous_chunks((1 << 31) + 1), (31, 2));
}

#[test]
fn extents_that_follow_each_other_on_the_device_are_one_run() {
    let extents = vec![device(0, 512, 4096), device(512, 1000, 4608)];
    assert_eq!(indexes(1512, extents), (2, vec![(1, 8)]));
}

#[test]
fn chunk_is_the_largest_that_no_boundary_cuts() {
    // Data in blocks 0 to 3, hole in 4 to 7, data in 8 to 9.
    let extents = vec![device(0, 2048, 0), device(4096, 1024, 8192)];
    assert_eq!(indexes(5120, extents), (2, vec![(1, 0), HOLE, (1, 16)]));
    // A boundary at an odd block leaves single blocks.
    let extents = vec![device(0, 512, 0), device(1024, 512, 512)];
    assert_eq!(
        indexes(2048, extents),
        (0, vec![(1, 0), HOLE, (1, 1), HOLE])
    );
}

#[test]
fn holes_at_start_and_end_are_null_chunks() {
    assert_eq!(indexes(4096, vec![]), (3, vec![HOLE]));
    assert_eq!(
        indexes(2048, vec![device(1024, 1024, 0)]),
        (1, vec![HOLE, (1, 0)])
    );
    assert_eq!(
        indexes(2048, vec![device(0, 1024, 0)]),
        (1, vec![(1, 0), HOLE])
    );
    assert_eq!(indexes(0, vec![]), (0, vec![]));
}

#[test]
fn byte_runs_that_follow_each_other_are_not_cut() {
    assert_eq!(
        content(1024, vec![bytes(0, &[1; 512]), bytes(512, &[2; 512])])
            .unwrap()
            .chunks,
        1
    );
    assert_eq!(
        content(1536, vec![bytes(0, &[1; 5]), bytes(1024, &[2; 512])])
            .unwrap()
            .chunks,
        3
    );
}

#[test]
fn wrong_extents_are_refused_by_name() {
    use WriteError as E;
    assert!(matches!(
        content(9, vec![device(0, 9, 5)]),
        Err(E::Unaligned { what: "offset", .. })
    ));
    assert!(matches!(
        content(9, vec![device(1, 8, 0)]),
        Err(E::Unaligned { what: "start", .. })
    ));
    assert!(matches!(
        content(10, vec![device(0, 9, 0)]),
        Err(E::Unaligned { what: "end", .. })
    ));
    assert!(matches!(
        content(2048, vec![device(0, 1024, 0), device(512, 512, 0)]),
        Err(E::ExtentOrder {
            logical: 512,
            end: 1024
        })
    ));
    assert!(matches!(
        content(512, vec![device(0, 1024, 0)]),
        Err(E::ExtentBeyondEnd { what: "file", .. })
    ));
    assert!(matches!(
        content(512, vec![device(0, 512, 1 << 40)]),
        Err(E::ExtentBeyondEnd { what: "device", .. })
    ));
    assert!(matches!(
        content(u64::MAX, vec![device(512, u64::MAX, 512)]),
        Err(E::ExtentBeyondEnd { what: "device", .. })
    ));
    let source = Source::Device {
        id: DeviceId(3),
        offset: 0,
    };
    assert!(matches!(
        content(
            512,
            vec![Extent {
                logical: 0,
                length: 512,
                source
            }]
        ),
        Err(E::UnknownDevice { device: 3, .. })
    ));
    let source = Source::Bytes(vec![1]);
    assert!(matches!(
        content(
            512,
            vec![Extent {
                logical: 0,
                length: 2,
                source
            }]
        ),
        Err(E::ExtentBytes {
            length: 2,
            found: 1,
            ..
        })
    ));
}

#[test]
fn file_cut_at_every_block_is_refused_when_its_index_would_be_huge() {
    let blocks = (1 << 24) + 1;
    let extents = vec![device(0, 512, 512)];
    assert!(matches!(
        content(blocks * 512, extents),
        Err(WriteError::TooManyChunks { .. })
    ));
}

proptest! {
    #[test]
    fn every_block_maps_to_its_extent_or_to_a_hole(
        pieces in prop::collection::vec((0u64..9, 1u64..9, 0u64..64), 0..12),
        tail in 0u64..5000,
    ) {
        let mut extents = Vec::new();
        let mut blocks = Vec::new();
        for (gap, length, offset) in pieces {
            blocks.extend((0..gap).map(|_| HOLE));
            extents.push(device(blocks.len() as u64 * 512, length * 512, offset * 512));
            blocks.extend((0..length).map(|block| (1, (offset + block) as u32)));
        }
        let size = blocks.len() as u64 * 512 + tail;
        blocks.resize(size.div_ceil(512) as usize, HOLE);

        let content = content(size, extents).unwrap();
        let chunk = 1 << content.chunk_bits;
        let starts: Vec<_> = content.indexes().collect();
        let expand = |number: usize| {
            let (device, start) = starts[number / chunk];
            if start == NULL_BLOCK { HOLE } else { (device, start + (number % chunk) as u32) }
        };
        let mapped: Vec<_> = (0..blocks.len()).map(expand).collect();
        prop_assert_eq!(mapped, blocks);
    }
}
