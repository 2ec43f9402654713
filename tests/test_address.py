"""Addresses that may be written, and those that could lead elsewhere."""

import pytest

from engine.address import checked_address, checked_target


@pytest.mark.parametrize(
    "url",
    [
        "https://a.klaviyo.com",
        "https://api.eu.intercom.io",
        "https://proxy-1.internal:8443",
        "https://intranet",
        "https://xn--bcher-kva.example",
        "https://1und1.example",
        "https://localhost:1",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://localhost:65535",
        "http://[::1]:8080",
        "https://" + ".".join(["a" * 63] * 3),
    ],
)
def test_an_address_of_a_service_is_taken_as_it_is(url: str) -> None:
    assert checked_address(url) == url


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("HTTPS://A.Klaviyo.COM", "https://a.klaviyo.com"),
        ("http://LocalHost:80/", "http://localhost:80"),
        ("https://a.klaviyo.com/", "https://a.klaviyo.com"),
    ],
)
def test_an_address_is_made_plain(url: str, made: str) -> None:
    assert checked_address(url) == made


@pytest.mark.parametrize(
    "url",
    [
        "", "a.klaviyo.com", "//a.klaviyo.com", "https:", "https://", "https:///", "https:a.klaviyo.com",
        "ftp://a.klaviyo.com", "file:///etc/passwd", "javascript://a.klaviyo.com", "https+x://a.klaviyo.com",
        "http://a.klaviyo.com", "http://127.0.0.2", "http://127.1", "http://2130706433", "http://0x7f.1",
        "http://0x7f000001", "http://0177.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com",
        "http://[::ffff:127.0.0.1]", "http://[::]", "http://[::1%25lo]", "http://[0:0:0:0:0:0:0:1]",
        "http://0.0.0.0", "http://localhost.", "http://127.0.0.1.", "http://xlocalhost",
        "https://127.1", "https://2130706433", "https://0x7f.1", "https://0x7f000001", "https://a.0x7f",
        "https://127.0.0.1", "https://169.254.169.254", "https://[::1]", "https://[::ffff:127.0.0.1]",
        "https://a.1", "https://a.klaviyo.com.", "https://.com", "https://a..com", "https://-a.com",
        "https://a-.com", "https://a_b.com", "https://*.com", "https://" + "a" * 64 + ".com",
        "https://" + ".".join(["a" * 63] * 5),
        "https://user@a.klaviyo.com", "https://user:hunter2@a.klaviyo.com", "https://@a.klaviyo.com",
        "https://a.klaviyo.com@evil.example", "https://a.klaviyo.com\t@evil.example",
        "https://a.klaviyo.com%40evil.example", "https://a.klaviyo.com\\@evil.example",
        "https://a.klaviyo.com/api", "https://a.klaviyo.com//", "https://a.klaviyo.com/..",
        "https://a.klaviyo.com?x=1", "https://a.klaviyo.com/?x", "https://a.klaviyo.com#x",
        "https://a.klaviyo.com;x", "https://a.klaviyo.com,evil.example", "https://a%2eklaviyo.com",
        " https://a.klaviyo.com", "https://a.klaviyo.com ", "https:// a.klaviyo.com", "https://a .com",
        "https://a.klaviyo.com\n", "\nhttps://a.klaviyo.com", "https://a.klaviyo.com\r\nX: y",
        "https://a.klav\tiyo.com", "https://a.klaviyo.com\0", "https://a.klaviyo.com/\n",
        "https://a.klaviyo.com:", "https://a.klaviyo.com:0", "https://a.klaviyo.com:080",
        "https://a.klaviyo.com:65536", "https://a.klaviyo.com:99999", "https://a.klaviyo.com:+80",
        "https://a.klaviyo.com:8_0", "https://a.klaviyo.com:80:80", "https://a.klaviyo.com:x",
        "https://a.klaviyo.com:\uff18\uff10", "https://\u0430.klaviyo.com", "https://a\u3002klaviyo.com",
        "https://\u212aaviyo.com", "https://\uff41.klaviyo.com", "http\u017f://a.klaviyo.com",
        "https://a.klaviyo.com\u200b", "https://\u202ea.klaviyo.com", "http://local\u017fost", "http://\u24db",
    ],
)  # fmt: skip
def test_what_could_lead_elsewhere_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="this is no address of a service: https:// and the name") as raised:
        checked_address(url)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/aBc",
        "https://alerts.example:8443/in?key=aB%20c&to=ops",
        "http://127.0.0.1:8080/alerts",
        "https://alerts.example",
        "https://alerts.example?key=1",
    ],
)
def test_what_is_posted_to_may_have_a_path_and_a_query_as_they_are_written(url: str) -> None:
    assert checked_target(url) == url
