"""Pages of the whole house: what a visitor sees before any data is loaded."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/method/", "/rate/"])
def test_without_data_a_page_says_so(client, path):
    answer = client.get(path, follow=True)
    assert answer.status_code == 503
    assert "manage.py seed_demo" in answer.content.decode()


def test_without_data_the_api_says_what_to_do(client):
    answer = client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_release")
    assert "manage.py seed_demo" in answer.json()["error"]["message"]
