use super::*;

#[test]
fn first_numbers() {
    let mut window = Window::default();
    assert_eq!(window.commit(0), Ok(Accepted { skipped: 0 }));
    assert_eq!(window.commit(0), Err(ReplayError::Duplicate));
    assert_eq!(window.commit(3), Ok(Accepted { skipped: 2 }));
    assert_eq!(window.commit(2), Ok(Accepted { skipped: 0 }));
}
