//! The program as scripts and service managers meet it.

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc,
};

use proto::relay::refused::Code;
use tempfile::TempDir;

use crate::common::*;

/// Where a program's log goes, in its data directory.
const LOG: &str = "standard-error";

/// A running program; killed on drop.
pub(crate) struct Program {
    pub child: Child,
    pub address: SocketAddr,
    pub line: String,
    stdout: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Program {
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::with(data_dir, &["--rate", "1000000"])
    }

    /// On a free port with these options; what it logs is in the data directory.
    pub(crate) fn with(data_dir: &Path, options: &[&str]) -> Self {
        let mut command = command(data_dir);
        command.args(["--listen", "127.0.0.1:0", "--json"]).args(options);
        Self::run(data_dir, command)
    }

    /// By a command that must print the greeting as JSON.
    pub(crate) fn run(data_dir: &Path, mut command: Command) -> Self {
        std::fs::create_dir_all(data_dir).unwrap();
        let log = data_dir.join(LOG);
        let stderr = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "it does not start:\n{}", std::fs::read_to_string(&log).unwrap());
        let address = field(&line, "address").parse().unwrap();
        Self { child, address, line, stdout, log }
    }

    /// What it has written to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has written this.
    pub(crate) async fn logs(&self, text: &str) {
        let written = async {
            while !self.log().contains(text) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, written).await;
        assert!(waited.is_ok(), "no {text:?} in:\n{}", self.log());
    }

    /// Sends a signal, as `-HUP`.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        terminate(&self.child);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL; fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command.stdin(Stdio::null());
    command.arg("--data-dir").arg(data_dir).env_remove("SCHAT_LOG");
    command
}

pub(crate) fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    command(data_dir).args(arguments).output().unwrap()
}

/// The same of a command that ends soon; what goes on all the same is killed, and the test has failed.
pub(crate) fn run_soon(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = command(data_dir);
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (id, (sender, ended)) = (child.id(), mpsc::channel());
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    if let Ok(output) = ended.recv_timeout(PATIENCE) {
        return output.unwrap();
    }
    Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
    panic!("{arguments:?} goes on");
}

fn field(line: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    value[name].as_str().unwrap().to_owned()
}

#[test]
fn json_greeting_is_one_line_that_a_script_can_use() {
    let directory = TempDir::new().unwrap();
    let mut program = Program::start(directory.path());
    assert!(
        program.line.starts_with(r#"{"v":1,"event":"listening","address":"127.0.0.1:"#),
        "{}",
        program.line
    );
    let pin = field(&program.line, "pin");
    assert_eq!(field(&program.line, "link"), format!("schat://{}/#relay={pin}", program.address));
    program.child.kill().unwrap();
    let mut rest = String::new();
    program.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing else on stdout");
}

#[test]
fn pin_survives_a_restart() {
    let directory = TempDir::new().unwrap();
    let first = Program::start(directory.path()).line.clone();
    let second = Program::start(directory.path()).line.clone();
    assert_eq!(field(&first, "pin"), field(&second, "pin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_tells_clients_and_exits_with_zero() {
    let directory = TempDir::new().unwrap();
    let mut program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let mut stranger = client.stream().await;
    stranger.bytes(&[0]).await;
    a.publish([1; 16], b"last words", None).await;
    assert_eq!(a.published().await.seq, 1);
    terminate(&program.child);
    assert_eq!(a.refusal().await.code(), Code::ShuttingDown);
    a.ended().await;
    let quinn::ConnectionError::ApplicationClosed(close) = client.connection.closed().await else {
        panic!("the connection was not closed in order");
    };
    assert_eq!(close.error_code, proto::CloseCode::ShuttingDown.value().into());
    let status = tokio::task::spawn_blocking(move || program.child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn taken_port_is_a_network_error_with_a_remedy() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let home = TempDir::new().unwrap();
    let data_dir = home.path().join("data");
    let output = run(&data_dir, &["--listen", &address]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!data_dir.exists(), "a relay that did not start has left something behind");
    assert_eq!(output.stdout, b"");
    let expected = format!(
        "relay: {address} is in use by another program; stop it, or choose another port with --listen\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[test]
fn certificate_that_makes_no_sense_or_an_occupied_socket_leaves_nothing_behind() {
    let home = TempDir::new().unwrap();
    let pem = home.path().join("not.pem");
    std::fs::write(&pem, "no certificate").unwrap();
    let (data_dir, pem) = (home.path().join("data"), pem.to_str().unwrap());
    let output = run(&data_dir, &["--listen", "127.0.0.1:0", "--cert", pem, "--key", pem]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not.pem"), "{output:?}");
    assert!(!data_dir.exists(), "a relay that did not start has left something behind");

    std::fs::create_dir(&data_dir).unwrap();
    std::fs::write(data_dir.join("admin.sock"), "somebody's").unwrap();
    let output = run(&data_dir, &["--listen", "127.0.0.1:0"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("something else of that name"), "{output:?}");
    assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 1);
}

#[test]
fn data_directory_that_is_a_file_is_a_data_error() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&file, &["--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(4));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("cannot use the data directory") && message.contains("--data-dir"), "{message}");
}

#[test]
fn second_relay_on_the_same_data_is_told_so() {
    let directory = TempDir::new().unwrap();
    let _first = Program::start(directory.path());
    let output = run(directory.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("relay: another relay is using "));
}

#[test]
fn damaged_database_is_reported_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("relay.redb");
    std::fs::write(&file, "not a database, but somebody's file").unwrap();
    let output = run(directory.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&file).unwrap(), b"not a database, but somebody's file");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("relay.redb is no database of this relay's, or a damaged one"), "{message}");
    assert!(!message.contains("writable"), "it is no matter of permissions: {message}");
}

#[test]
fn missing_certificate_is_a_certificate_error() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing.pem");
    let missing = missing.to_str().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--cert", missing, "--key", missing];
    assert_eq!(run(directory.path(), &arguments).status.code(), Some(5));
}

#[test]
fn variables_that_are_empty_count_as_none() {
    let directory = TempDir::new().unwrap();
    let mut command = command(directory.path());
    let names = [
        "CONFIG",
        "LISTEN",
        "ACCESS",
        "KEEP_MIB",
        "ADMIN_SOCKET",
        "DOMAIN",
        "TCP",
        "CERT",
        "KEY",
        "KEEP_DAYS_FILE",
    ];
    let output =
        command.envs(names.map(|name| (format!("RELAY_{name}"), ""))).arg("config").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let plain = run(directory.path(), &["config"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), String::from_utf8(plain.stdout).unwrap());
}

#[cfg(unix)]
#[test]
fn small_stack_is_none_of_the_programs_business() {
    let directory = TempDir::new().unwrap();
    for kib in ["64", "256", "1024"] {
        let mut command = Command::new("/bin/bash");
        command.args([
            "-c",
            "ulimit -s $1 && exec \"$0\" --data-dir \"$2\" config",
            env!("CARGO_BIN_EXE_relay"),
            kib,
        ]);
        let output = command.arg(directory.path()).output().unwrap();
        assert!(output.status.success(), "{kib}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn wrong_usage_is_code_two() {
    let directory = TempDir::new().unwrap();
    for arguments in [&["--listen", "everywhere"][..], &["--nonsense"], &["--rate", "0"]] {
        assert_eq!(run(directory.path(), arguments).status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everywhere_is_reached_by_both_families() {
    let directory = TempDir::new().unwrap();
    let config = relay::Config::new(([0, 0, 0, 0], 0).into(), directory.path());
    let relay = relay::Relay::start(config).await.unwrap();
    let port = relay.addresses()[0].port();
    Client::connect(([127, 0, 0, 1], port).into(), directory.path()).await;
    if UdpSocket::bind("[::1]:0").is_ok() {
        let mut endpoint = quinn::Endpoint::client("[::1]:0".parse().unwrap()).unwrap();
        endpoint.set_default_client_config(client_config(directory.path(), proto::ALPN));
        let address = (std::net::Ipv6Addr::LOCALHOST, port).into();
        endpoint.connect(address, "localhost").unwrap().await.unwrap();
    }
    relay.shutdown().await;
}
