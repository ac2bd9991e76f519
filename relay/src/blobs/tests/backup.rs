//! Files are carried away while others are dropped.

use std::collections::BTreeMap;

use tokio::runtime::Handle;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn drops_in_the_middle_of_a_backup_leave_it_whole() {
    let directory = TempDir::new().unwrap();
    let blobs = Arc::new(Blobs::open(directory.path(), &Limits::default()).unwrap());
    for id in 1..=4 {
        put(&blobs, id, PART as u64, NOW + u64::from(id)).await;
    }
    let carry = {
        let (blobs, handle) = (blobs.clone(), Handle::current());
        move || {
            let mut found = BTreeMap::new();
            let damaged = blobs.shelf().export::<io::Error>(&mut |carried| {
                match carried {
                    Carried::Blob(_, id, row) => {
                        found.insert(id.0[0], (row.clone(), Vec::new()));
                        // This one, which is about to be read, and the next one.
                        if id.0[0] == 2 {
                            handle.block_on(blobs.dropped(2));
                            handle.block_on(blobs.dropped(3));
                        }
                    }
                    Carried::Part(number, bytes) => {
                        let (row, parts) = found.last_entry().unwrap().into_mut();
                        assert_eq!(row.sums[number as usize], crc32fast::hash(&bytes));
                        parts.push(number);
                    }
                }
                Ok(())
            });
            (damaged.map_err(|error| error.to_string()), found)
        }
    };
    let (damaged, found) = tokio::task::spawn_blocking(carry).await.unwrap();
    assert_eq!(damaged, Ok(0));
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [1, 2, 4]);
    assert!(found.values().all(|(_, parts)| parts == &[0]), "each with all of its parts");
    let mut on_disk = 0;
    for id in 1..=4 {
        let row = blobs.find(ROOM, BlobId([id; 16]), NOW).await.map(|whole| whole.row.number);
        on_disk += u64::from(row.is_ok_and(|number| blobs.files.read(number).is_ok()));
    }
    assert_eq!(on_disk, 2);
    let left = blobs.files.remove_orphans(|number| [0, 3].contains(&number)).unwrap();
    assert_eq!(left, 0, "what was dropped is gone from the disk by now");
}
