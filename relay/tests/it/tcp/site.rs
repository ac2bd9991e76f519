//! The page's files.

use std::{fs, path::Path, time::Duration};

use relay::{Config, Fallback, Relay, StartError, Web};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{client::secured, http::ask};
use crate::common::*;

const SCRIPT: &str = "assets/app-1a2b3c4d.js";

fn build(directory: &Path) {
    fs::create_dir_all(directory.join("assets")).unwrap();
    for (name, text) in [
        ("index.html", "<!doctype html>the page"),
        ("sw.js", "self"),
        (SCRIPT, "let script"),
        ("assets/app-1a2b3c4d.js.br", "compressed"),
        ("assets/core.wasm", "\0asm"),
    ] {
        fs::write(directory.join(name), text).unwrap();
    }
}

async fn server() -> (Server, TempDir) {
    let site = TempDir::new().unwrap();
    build(&site.path().join("page"));
    fs::write(site.path().join("secret"), "secret").unwrap();
    let server = Server::configured(|config| {
        config.fallback = Fallback::Required;
        config.web = Web::On { directory: Some(site.path().join("page")), origins: vec![] };
    })
    .await;
    (server, site)
}

async fn get(server: &Server, path: &str, headers: &str) -> String {
    ask(server, format!("GET /{path} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n{headers}\r\n").as_bytes())
        .await
}

fn code(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_comes_with_its_files_and_under_strict_rules() {
    let (server, _site) = server().await;
    let page = get(&server, "", "").await;
    assert!(code(&page) == "200" && page.ends_with("the page"), "{page}");
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n")
            && page.contains("cache-control: no-cache\r\n")
    );
    let script = get(&server, SCRIPT, "").await;
    assert!(script.ends_with("let script") && script.contains("vary: accept-encoding\r\n"), "{script}");
    assert!(script.contains("cache-control: public, max-age=31536000, immutable\r\n"), "{script}");
    let compressed = get(&server, SCRIPT, "Accept-Encoding: gzip, br\r\n").await;
    assert!(
        compressed.ends_with("compressed") && compressed.contains("content-encoding: br\r\n"),
        "{compressed}"
    );
    assert!(get(&server, "assets/core.wasm", "").await.contains("content-type: application/wasm\r\n"));
    let head =
        ask(&server, format!("HEAD /{SCRIPT} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
    assert!(
        code(&head) == "200" && head.contains("content-length: 10\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let missing = get(&server, "missing", "").await;
    assert_eq!(code(&missing), "404");
    for answer in [page, script, compressed, missing] {
        for rule in [
            "content-security-policy: default-src 'none'; ",
            "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types schat\r\n",
            "x-content-type-options: nosniff\r\n",
            "x-frame-options: DENY\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
            "cross-origin-embedder-policy: require-corp\r\n",
        ] {
            assert!(answer.contains(rule), "{rule}: {answer}");
        }
        assert!(!answer.contains("set-cookie") && !answer.contains("access-control-"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_is_not_sent_again() {
    let (server, _site) = server().await;
    let page = get(&server, "", "").await;
    let tag = page.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = get(&server, "", &format!("If-None-Match: \"other\", {tag}\r\n")).await;
    assert!(code(&again) == "304" && again.ends_with("\r\n\r\n"), "{again}");
    assert_eq!(code(&get(&server, "", "If-None-Match: \"other\"\r\n").await), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_page() {
    let (server, _site) = server().await;
    for path in [
        "../secret",
        "..%2fsecret",
        "assets/../../secret",
        "assets/..%2f..%2fsecret",
        "%2e%2e/secret",
        "./index.html",
        "/index.html",
        "/etc/passwd",
        "..\\secret",
        "assets",
        "assets/",
        "index.html/",
        "index.html%00.js",
    ] {
        let answer = get(&server, path, "").await;
        assert!(
            ["404", "400"].contains(&code(&answer)) && !answer.contains("\r\n\r\nsecret"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_only_read() {
    let (server, _site) = server().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"] {
        let answer = ask(&server, format!("{method} / HTTP/1.1\r\nHost: r\r\n\r\n").as_bytes()).await;
        assert!(["405", "400"].contains(&code(&answer)), "{method}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_brings_many_files_and_not_endlessly_many() {
    let (server, _site) = server().await;
    let mut secured = secured(server.address, server.directory.path(), b"http/1.1").await;
    let request = format!("GET /{SCRIPT} HTTP/1.1\r\nHost: r\r\n\r\n");
    let mut answers = Vec::new();
    let talk = async {
        // The relay ends it while there is more to come.
        let _ = secured.write_all(request.repeat(100).as_bytes()).await;
        let _ = secured.read_to_end(&mut answers).await;
    };
    timeout(PATIENCE, talk).await.expect("the end in time");
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_without_end_gets_no_more() {
    let site = TempDir::new().unwrap();
    build(site.path());
    fs::write(site.path().join("assets/large"), vec![7; 40 << 20]).unwrap();
    let server = Server::configured(|config| {
        config.fallback = Fallback::Required;
        config.web = Web::On { directory: Some(site.path().to_owned()), origins: vec![] };
    })
    .await;
    let head =
        |method: &str| format!("{method} /assets/large HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n");
    // What is not sent counts all the same: whether it is asked for again costs as little to find out.
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(code(&ask(&server, head("HEAD").as_bytes()).await).to_owned());
    }
    assert_eq!(codes, ["200", "200", "200", "429"]);
    let refused = ask(&server, head("GET").as_bytes()).await;
    assert!(refused.contains("retry-after: ") && refused.len() < 2000, "{refused}");
    // What is small comes.
    assert_eq!(code(&get(&server, "", "").await), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_stands_still_is_shown_out() {
    let site = TempDir::new().unwrap();
    build(site.path());
    fs::write(site.path().join("assets/large"), vec![7; 40 << 20]).unwrap();
    let server = Server::configured(|config| {
        config.limits.join_time = Duration::from_millis(200);
        config.fallback = Fallback::Required;
        config.web = Web::On { directory: Some(site.path().to_owned()), origins: vec![] };
    })
    .await;
    let connect = || secured(server.address, server.directory.path(), b"http/1.1");
    let (mut stuck, mut idle) = (connect().await, connect().await);
    stuck.write_all(b"GET /assets/large HTTP/1.1\r\nHost: r\r\n\r\n").await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: r\r\n\r\n").await.unwrap();
    eventually("both are readers, and no strangers any more", || {
        server.metrics().handshakes.get() == 0 && server.metrics().connections.get() > 0
    })
    .await;
    eventually("their places are given back", || server.metrics().connections.get() == 0).await;
    // Neither has ended anything.
    let mut page = Vec::new();
    timeout(PATIENCE, idle.read_to_end(&mut page)).await.expect("the end in time").ok();
    assert!(String::from_utf8_lossy(&page).ends_with("the page"));
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_without_a_page_is_told_before_anything_is_left_behind() {
    let (data, site) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let web = Web::On { directory: Some(site.path().to_owned()), origins: vec![] };
    let config = Config { web, ..Config::new(([127, 0, 0, 1], 0).into(), data.path()) };
    let error = Relay::start(config).await.err().expect("it does not start");
    assert!(matches!(error, StartError::Site(_)) && error.to_string().contains("--web-dir"), "{error}");
    assert_eq!(error.exit_code(), 4);
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}
