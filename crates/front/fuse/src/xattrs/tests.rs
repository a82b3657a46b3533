use proptest::prelude::*;

use super::*;

#[test]
fn every_entry_of_an_ea_list_says_its_own_length() {
    let eas = [(b"ABC".to_vec(), vec![1, 2]), (b"D".to_vec(), vec![9])];
    let list = ea_list(&eas).unwrap();
    assert_eq!(list.len(), 28);
    assert_eq!((list[0], list[16]), (16, 12));
}

proptest! {
    #[test]
    fn an_ea_list_reads_back(eas in proptest::collection::vec((
        proptest::collection::vec(1u8.., 1..20),
        proptest::collection::vec(any::<u8>(), 0..40),
    ), 1..5)) {
        let list = ea_list(&eas).unwrap();
        let found = ea::parse(&list).unwrap();
        let found: Vec<_> = found.into_iter().map(|ea| (ea.name, ea.value)).collect();
        prop_assert_eq!(found, eas);
    }
}
