//! A database as an earlier program left it: made by it, and not by what this one knows of it.

use super::*;

/// Three rooms with a member, an invite and four messages each, as format 6 had them.
const SIX: &[u8] = include_bytes!("upgrade/6.redb");

/// The key of the member of the room of that number.
fn member(number: u8) -> PublicKey {
    PublicKey(SigningKey::from_bytes(&[number; 32]).verifying_key().to_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_last_program_is_taken_over_whole_and_kept_beside() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(DATABASE), SIX).unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    for number in 1..=3 {
        let reader = Author { room: RoomId([number; 32]), key: member(number), now_ms: 1 };
        let Ok(Measured::Ready(batch)) = backend.read(reader, 0, usize::MAX).await else { panic!() };
        let said: Vec<_> = batch.entries.iter().map(|entry| entry.envelope.to_vec()).collect();
        assert_eq!(said, (0..4).map(|byte| vec![byte; 30]).collect::<Vec<_>>());
        let view = backend.view(reader).await.unwrap().unwrap();
        assert_eq!(view.founder, Some(member(number)), "nobody else was ever there");
    }
    assert!(backend.survey().unwrap().is_whole());
    let overview = backend.overview().await.unwrap();
    assert!(overview.key_bytes > 6 * 64, "counted: {}", overview.key_bytes);
    backend.close().await;
    let kept = directory.path().join(format!("{DATABASE}.format-6"));
    // redb's mark; what follows it says that the file is open.
    assert!(std::fs::read(&kept).unwrap().starts_with(&SIX[..9]) && !kept.with_extension("new").exists());
    // A program of before goes on with it.
    std::fs::rename(kept, directory.path().join(DATABASE)).unwrap();
    let again = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert_eq!(again.overview().await.unwrap().entries, 12);
    again.close().await;
}
