//! The program under a clock that jumped while it was off: what its operator is told and can do.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
    watching::{get, watched},
};

const DAY: u64 = 86_400_000;

/// Turns the clock's mark back, and has it be another boot's: to the relay the wall clock is ahead by as much.
fn turn_back(data_dir: &Path, by_ms: u64) {
    let path = data_dir.join("clock");
    let mut mark: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for field in ["now_ms", "aged_ms", "wall_ms"] {
        mark[field] = (mark[field].as_u64().unwrap() - by_ms).into();
    }
    mark["boot"] = "another".into();
    std::fs::write(&path, mark.to_string()).unwrap();
}

fn stdout(data_dir: &Path, arguments: &[&str]) -> String {
    let output = run(data_dir, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_is_told_of_a_jump_everywhere_and_can_take_it() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    {
        let mut program = Program::start(data_dir);
        let client = Client::connect(program.address, data_dir).await;
        let mut a = client.create(room(1), &key(1), vec![]).await;
        a.publish([1; 16], b"one", None).await;
        a.published().await;
        program.terminate();
        assert!(program.child.wait().unwrap().success());
    }
    turn_back(data_dir, 100 * DAY);
    let (program, address) = watched(data_dir, &[]);
    program.logs("the system's clock jumped and is not believed").await;
    assert!(get(address, "/readyz", "127.0.0.1").contains("\r\n\r\nready\nthe system's clock jumped"));
    assert!(get(address, "/metrics", "127.0.0.1").contains("schat_relay_clock_held 1\n"));
    let status = stdout(data_dir, &["status"]);
    assert!(status.contains("Clock       the system's is 100 d 0 h ahead and is not believed"), "{status}");
    let doctor = String::from_utf8(run(data_dir, &["doctor"]).stdout).unwrap();
    assert!(doctor.contains("warn  relay's clock") && doctor.contains("relay clock accept"), "{doctor}");
    // Longer ago than the default keeps entries.
    let client = Client::connect(program.address, data_dir).await;
    assert_eq!(client.join(room(1), &key(1), 0).await.1.oldest, 1);

    // What cannot be saved is not taken.
    std::fs::create_dir(data_dir.join("clock.new")).unwrap();
    let refused = run(data_dir, &["clock", "accept"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("was left as it was"), "{said}");
    assert!(said.contains("and run `relay clock accept` again"), "{said}");
    assert!(stdout(data_dir, &["status"]).contains("not believed"));
    std::fs::remove_dir(data_dir.join("clock.new")).unwrap();

    let accepted = stdout(data_dir, &["clock", "accept"]);
    assert!(accepted.starts_with("The relay's clock went forward by 100 d 0 h.\n"), "{accepted}");
    assert!(accepted.contains("Retention is ") && accepted.contains(" d "), "{accepted}");
    program.logs("the operator accepted the system's clock").await;
    program.logs("clock-accept").await;
    assert!(get(address, "/readyz", "127.0.0.1").ends_with("\r\n\r\nready\n"));
    assert!(!stdout(data_dir, &["status"]).contains("not believed"));
    assert!(
        stdout(data_dir, &["clock", "accept"])
            .starts_with("The system's clock and the relay's agree already")
    );
    assert_eq!(client.join(room(1), &key(1), 0).await.1.oldest, 1);
}
