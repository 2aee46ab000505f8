"""Where AWS keys come from: each source, the order in which they are looked for, roles, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from asbru.core.errors import UpstreamError
from asbru.upstream import UpstreamResponse
from asbru.upstream.credentials import Credential, OutgoingRequest, Token, TokenPorts, TokenRequest
from asbru.upstream.credentials.aws import AwsKeys, Scope, credential_of, read_settings
from asbru.upstream.credentials.aws import sources as module
from asbru.upstream.credentials.aws.sources import REREAD_S, container_endpoint

NOW_S = 1_440_938_160.0
ENDS = "2015-08-30T13:36:00Z"
SCOPE = Scope("eu-west-1", "bedrock")
REQUEST = OutgoingRequest(
    b"POST", b"h", b"/p", b"{}", NOW_S, b"content-type: application/json\r\nX-Amzn-Trace: on\r\n"
)
FETCHED = {"AccessKeyId": "ASIAF", "SecretAccessKey": "s", "Token": "t", "Expiration": ENDS}


def lines_of(credential: Credential) -> str:
    """What a credential that needs nobody's help shows."""
    work = credential.lines(REQUEST)
    with pytest.raises(StopIteration) as end:
        work.send(None)
    return end.value.value.decode()


class Fetch:
    """A credential's flow, whose requests are answered from a list."""

    def __init__(self, value: Mapping[str, Any], environment: Mapping[str, str], *answers: object) -> None:
        flows: list[Callable[[float], Any]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "TokenCredential", lambda flow, ports: flows.append(flow))
            credential_of(read_settings(json.dumps(value)), SCOPE, TokenPorts.of_nobody(), environment)
        self.requests: list[TokenRequest] = []
        flow = flows[0](NOW_S)
        told = list(answers)
        try:
            request = next(flow)
            while True:
                self.requests.append(request)
                answer = told.pop(0)
                body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                request = flow.send(UpstreamResponse(200, b"", b"", body))
        except StopIteration as end:
            self.token: Token = end.value

    @property
    def shown(self) -> str:
        """What the fetched keys sign."""
        return lines_of(self.token.credential)


def test_keys_of_the_value_sign_at_once() -> None:
    """Nothing is fetched; AWS's own headers and the type of the body are signed."""
    value = {"access_key_id": "AKIA1", "secret_access_key": "s", "session_token": "tok"}
    credential = credential_of(read_settings(json.dumps(value)), SCOPE, TokenPorts.of_nobody(), {})
    shown = lines_of(credential)
    assert "x-amz-security-token: tok\r\n" in shown
    assert "Credential=AKIA1/20150830/eu-west-1/bedrock/aws4_request" in shown
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amzn-trace," in shown


def test_keys_of_the_environment() -> None:
    """They are read when they are needed, and again after a while."""
    fetch = Fetch({}, {"AWS_ACCESS_KEY_ID": "AKIA2", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "tok"})
    assert ("Credential=AKIA2/" in fetch.shown, "security-token: tok" in fetch.shown) == (True, True)
    assert (fetch.token.valid_for_s, fetch.requests) == (REREAD_S, [])


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The shared files in a home, as an environment."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[work]\naws_access_key_id = AKIA3\naws_secret_access_key = s%1\n")
    (folder / "config").write_text(
        "[profile ops]\nrole_arn = arn:aws:iam::1:role/ops\nsource_profile = work\nexternal_id = x1\n"
        "[profile lost]\nrole_arn = arn:aws:iam::1:role/lost\n"
    )
    return {"HOME": str(tmp_path)}


def test_a_profile_has_keys(home: dict[str, str]) -> None:
    """A section of the shared files."""
    assert "Credential=AKIA3/" in Fetch({"profile": "work"}, home).shown


def sts(action: str) -> dict[str, Any]:
    """What STS answers."""
    keys = {"AccessKeyId": "ASIAR", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": NOW_S + 3600}
    return {f"{action}Response": {f"{action}Result": {"Credentials": keys}}}


def test_a_profile_assumes_a_role(home: dict[str, str]) -> None:
    """With the keys of another section, in the provider's region, with its external id; the request is signed."""
    fetch = Fetch({"source": "profile", "profile": "ops"}, home, sts("AssumeRole"))
    (request,) = fetch.requests
    assert (request.method, request.url, request.local) == ("POST", "https://sts.eu-west-1.amazonaws.com/", False)
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert (form["Action"], form["RoleArn"], form["ExternalId"]) == ("AssumeRole", "arn:aws:iam::1:role/ops", "x1")
    assert "Credential=AKIA3/20150830/eu-west-1/sts/" in dict(request.headers)["authorization"]
    assert (fetch.token.valid_for_s, "Credential=ASIAR/" in fetch.shown) == (3600, True)


@pytest.mark.parametrize("profile", ["none", "lost"])
def test_a_profile_that_leads_nowhere_is_refused(home: dict[str, str], profile: str) -> None:
    """In words that name it."""
    with pytest.raises(UpstreamError, match=profile):
        Fetch({"profile": profile}, home)


def test_a_role_is_assumed_with_any_source() -> None:
    """Here with the value's own keys."""
    value = {"access_key_id": "AKIA4", "secret_access_key": "s", "role_arn": "arn:aws:iam::1:role/r"}
    fetch = Fetch(value, {}, sts("AssumeRole"))
    assert "Credential=AKIA4/" in dict(fetch.requests[0].headers)["authorization"]
    assert "Credential=ASIAR/" in fetch.shown


def test_a_web_identity_is_a_role(tmp_path: Path) -> None:
    """Its token is read from the file, and is not signed with anything."""
    (tmp_path / "token").write_text("web.token\n")
    environment = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}
    fetch = Fetch({"source": "default"}, environment, sts("AssumeRoleWithWebIdentity"))
    form = parse_qs(fetch.requests[0].body.decode())
    assert (form["WebIdentityToken"], "authorization" in dict(fetch.requests[0].headers)) == (["web.token"], False)
    assert "Credential=ASIAR/" in fetch.shown


def test_a_container_has_keys(tmp_path: Path) -> None:
    """Its endpoint is asked with the token in the file, as the machine's own source."""
    (tmp_path / "token").write_text("pod token")
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        "HOME": str(tmp_path),
    }
    fetch = Fetch({}, environment, FETCHED)
    (request,) = fetch.requests
    assert (request.url, request.local) == ("http://169.254.170.23/v1/credentials", True)
    assert dict(request.headers)["authorization"] == "pod token"
    assert (fetch.token.valid_for_s, "Credential=ASIAF/" in fetch.shown) == (3600, True)


@pytest.mark.parametrize("url", ["http://evil.example/keys", "http://10.0.0.1/", "ftp://169.254.170.2/", ""])
def test_other_endpoints_are_refused(url: str) -> None:
    """Without TLS only the addresses that AWS names."""
    with pytest.raises(UpstreamError, match="not an address"):
        container_endpoint({"AWS_CONTAINER_CREDENTIALS_FULL_URI": url})


def test_an_instance_has_keys(tmp_path: Path) -> None:
    """The last source: a session first, then the role's name and its keys, all as the machine's own source."""
    fetch = Fetch({}, {"HOME": str(tmp_path)}, "session", "my-role\n", FETCHED)
    assert [(one.method, one.url.partition("/latest")[2], one.local) for one in fetch.requests] == [
        ("PUT", "/api/token", True),
        ("GET", "/meta-data/iam/security-credentials/", True),
        ("GET", "/meta-data/iam/security-credentials/my-role", True),
    ]
    assert dict(fetch.requests[1].headers) == {"x-aws-ec2-metadata-token": "session"}
    assert "Credential=ASIAF/" in fetch.shown


def test_an_instance_without_a_role() -> None:
    """What it answers is no name of a role: it is not put into a path."""
    with pytest.raises(ValueError, match="no role"):
        Fetch({"source": "instance"}, {}, "session", "<html>/../</html>")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('{"access_key_id": "A"}', "belong together"),
        ('{"access_key_id": "A", "secret_access_key": "hidden", "source": "instance"}', "exclude each other"),
        ('{"source": "keys"}', "needs"),
        ('{"secret": "hidden"}', "unknown field"),
        ('{"role_arn": "hidden"}', "role_arn"),
        ("{", "JSON"),
    ],
)
def test_settings_are_refused_in_words(value: str, words: str) -> None:
    """The words say what is wrong and hold nothing of the value."""
    with pytest.raises(ValueError, match=words) as caught:
        read_settings(value)
    assert "hidden" not in str(caught.value)


def test_keys_have_no_words() -> None:
    """Settings are never printed with their secrets."""
    settings = read_settings('{"access_key_id": "AKIA", "secret_access_key": "hidden"}')
    assert "hidden" not in repr(settings) + repr(AwsKeys("a", "hidden"))
