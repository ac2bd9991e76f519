use rusqlite::StatementStatus;

use super::*;

/// Steps of SQLite's machine that a statement takes in a room with so many lines.
fn steps(sql: &str, lines: u64) -> i32 {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE messages (
             room BLOB NOT NULL, seq INTEGER NOT NULL, value BLOB NOT NULL, id BLOB, expires INTEGER, PRIMARY KEY (room, seq)
         ) WITHOUT ROWID;
         CREATE INDEX messages_by_id ON messages (room, id);",
    )
    .unwrap();
    let room = [1_u8; 32];
    for seq in 1..=lines {
        db.execute(ADD, params![room, seq, [0_u8; 64], seq.to_be_bytes(), None::<i64>]).unwrap();
    }
    let mut statement = db.prepare(sql).unwrap();
    statement.raw_bind_parameter(1, room).unwrap();
    if statement.parameter_count() > 1 {
        statement.raw_bind_parameter(2, lines.to_be_bytes()).unwrap();
    }
    let mut rows = statement.raw_query();
    assert!(rows.next().unwrap().is_some());
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

#[test]
fn line_is_looked_up_by_its_id_in_as_many_steps_however_long_the_room_is() {
    for sql in [FIND, SPAN] {
        assert_eq!(steps(sql, 10), steps(sql, 1_000), "{sql}");
    }
}
