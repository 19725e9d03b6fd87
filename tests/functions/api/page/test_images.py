"""What a user does with images, in a browser: upload, watch, search, filter, open, share, delete."""

from playwright.sync_api import FilePayload, expect

from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import add_library, choose_files, image_count
from tests.support.page.server import LocalPageServer
from tests.support.page.services import photo_path


def test_three_photos_are_uploaded_and_their_results_appear(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    server.run(lambda services: setattr(services, "are_results_held", True))

    choose_files(page, [photo_path(name) for name in ("chelsea.png", "coffee.png", "rocket.jpg")])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Uploaded. Waiting for its results")).to_have_count(3)
    expect(page.get_by_role("link", name="a cup of coffee")).to_have_count(0)
    server.run(lambda services: services.release_results())

    expect(uploads.get_by_text("Classified")).to_have_count(3)
    for caption in ("a close-up of a cat", "a cup of coffee", "a rocket on its launch pad"):
        expect(page.get_by_role("link", name=caption).locator("img")).to_have_js_property("complete", value=True)
    # The bytes went straight to the storage account.
    assert server.run(lambda services: services.contents["rocket.jpg"]) == (
        photo_path("rocket.jpg").read_bytes(),
        "image/jpeg",
    )
    assert server.requests.count("POST /api/uploads") == 3


def test_files_are_uploaded_when_they_are_dropped(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    data = page.evaluate_handle(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "horse.png", { type: "image/png" }));
          return transfer;
        }""",
        [*photo_path("horse.png").read_bytes()],
    )

    page.dispatch_event("main", "dragenter", {"dataTransfer": data})
    expect(page.get_by_text("Drop images to upload them")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": data})

    expect(page.get_by_text("Drop images to upload them")).to_be_hidden()
    expect(page.get_by_role("link", name="the silhouette of a horse")).to_be_visible()


def test_a_file_that_the_service_would_refuse_is_not_sent(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    small = page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(49, 200);
          canvas.getContext("2d");
          const blob = await canvas.convertToBlob({ type: "image/png" });
          return [...new Uint8Array(await blob.arrayBuffer())];
        }"""
    )
    files = [
        FilePayload(name="large.png", mimeType="image/png", buffer=bytes(20_971_521)),
        FilePayload(name="empty.png", mimeType="image/png", buffer=b""),
        FilePayload(name="renamed.png", mimeType="image/png", buffer=b"%PDF-1.7"),
        FilePayload(name="narrow.png", mimeType="image/png", buffer=bytes(small)),
    ]

    choose_files(page, files)

    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("The file has 20.971521 MB; it may have at most 20.97152 MB.")).to_be_visible()
    expect(uploads.get_by_text("The file is empty.")).to_be_visible()
    expect(uploads.get_by_text("The file is no image in one of the formats JPEG, PNG")).to_be_visible()
    expect(uploads.get_by_text("The width is 49 pixels; it must be from 50 to 16,000 pixels.")).to_be_visible()
    expect(uploads.get_by_role("button", name="Try again")).to_have_count(0)
    assert "POST /api/uploads" not in server.requests


def test_a_file_in_a_format_that_the_analyzer_does_not_accept_is_not_sent(visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    check = """async ([text, formats]) => {
      const { checkFile } = await import("/page/modules/file-checks.js");
      const limits = { maxBytes: 100, minSide: 1, maxSide: 9, formats, contentTypes: [] };
      return checkFile(new File([text], "a"), limits).catch((error) => error.message);
    }"""
    assert page.evaluate(check, ["BM1234", ["JPEG", "BMP"]]) == "image/bmp"
    message = "The file is no image in one of the formats JPEG, PNG."
    assert page.evaluate(check, ["BM1234", ["JPEG", "PNG"]]) == message


def test_a_rejected_upload_says_why_and_what_to_do(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")

    choose_files(
        page, [FilePayload(name="damaged.png", mimeType="image/png", buffer=b"\x89PNG\r\n\x1a\n" + bytes(200))]
    )

    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads).to_contain_text("Rejected The file cannot be decoded. The file seems to be damaged.")
    expect(page.get_by_role("link", name="damaged.png")).to_be_visible()


def test_a_search_says_why_each_image_matches(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")

    page.get_by_role("searchbox").fill("red flower")
    page.get_by_role("searchbox").press("Enter")

    flower = page.get_by_role("listitem").filter(has=page.get_by_role("link"))
    expect(flower).to_have_count(1)
    expect(flower).to_contain_text("label flower 94 %, caption “a close-up of a red flower”")
    expect(image_count(page)).to_have_text("1 image")


def test_an_image_that_matches_by_its_meaning_says_so(server: LocalPageServer, visitor: Visitor) -> None:
    record = server.run(lambda services: services.add_photo("cat.png", photo="chelsea.png"))
    server.run(lambda services: services.similarities.update({record.id: 0.31}))

    page = visitor.sign_in("reader", "/?q=kitten")

    expect(page.get_by_role("link", name="a close-up of a cat")).to_contain_text("similar meaning (0.31)")


def test_filters_have_counts_and_can_be_removed(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")

    page.get_by_label("Label").select_option(label="building (2)")
    expect(image_count(page)).to_have_text("2 images")
    page.get_by_label("At least").select_option(label="70 %")
    expect(image_count(page)).to_have_text("1 image")
    expect(page.get_by_role("link", name="a tower of a Chinese temple")).to_be_visible()
    assert page.url == f"{server.origin}/?label=building&minConfidence=70"
    page.get_by_role("button", name="Remove filter At least 70 %").click()
    expect(image_count(page)).to_have_text("2 images")
    page.get_by_role("button", name="Remove filter Label: building").click()

    expect(image_count(page)).to_have_text("18 images")
    assert page.url == f"{server.origin}/"


def test_the_last_day_of_a_range_is_part_of_it_in_the_time_zone_of_the_browser(
    server: LocalPageServer, visitor: Visitor
) -> None:
    # The images were processed on 2 January 2026, between 02:05 and 04:04 in Berlin.
    server.run(add_library)

    page = visitor.sign_in("reader", "/?since=2026-01-02&until=2026-01-02")
    expect(image_count(page)).to_have_text("18 images")
    page.get_by_label("To", exact=True).fill("2026-01-01")
    page.get_by_label("From", exact=True).fill("2026-01-01")

    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()


def test_an_image_is_shown_with_what_was_found_in_it(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")

    page.get_by_role("link", name="a motorcycle in a garage").click()

    dialog = page.get_by_role("dialog", name="motorcycle_left.png")
    expect(dialog.get_by_role("img", name="a motorcycle in a garage")).to_be_visible()
    objects = dialog.locator(".overlay-objects")
    expect(objects).to_have_count(1)
    expect(objects.locator("title")).to_have_text("motorcycle 78 %")
    expect(objects).to_be_visible()
    dialog.get_by_label("Objects (1)").uncheck()
    expect(objects).to_be_hidden()
    expect(dialog.locator(".overlay-read title")).to_have_text("YAMAHA")
    dialog.get_by_label("Crops (1)").check()
    expect(dialog.locator(".overlay-crops")).to_be_visible()
    tags = dialog.get_by_role("listitem")
    expect(tags.filter(has_text="motor scooter")).to_contain_text("26 %")


def test_boxes_are_where_the_record_says(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a motorcycle in a garage").click()
    image = page.get_by_role("dialog").get_by_role("img", name="a motorcycle in a garage").bounding_box()
    box = page.locator(".overlay-objects").bounding_box()
    record = server.run(lambda services: next(r for r in services.records.values() if "motorcycle" in r.blob.name))

    assert image is not None
    assert box is not None
    assert record.image is not None
    assert record.objects is not None
    scale = image["width"] / record.image.width
    expected = record.objects[0].box
    assert abs(box["x"] - image["x"] - expected.x * scale) < 3
    assert abs(box["y"] - image["y"] - expected.y * scale) < 3
    assert abs(box["width"] - expected.width * scale) < 5
    assert abs(box["height"] - expected.height * scale) < 5


def test_an_address_that_was_copied_opens_the_same_image(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader", "/?label=rocket")
    page.get_by_role("link", name="a rocket on its launch pad").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")

    other = visitor.sign_in("reader", copied.removeprefix(server.origin))

    expect(other.get_by_role("dialog", name="rocket.jpg")).to_be_visible()
    assert "label" not in copied


def test_back_and_forward_go_through_lists_and_images(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("link", name="contract.png").click()
    expect(page.get_by_role("dialog", name="contract.png")).to_be_visible()

    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(image_count(page)).to_have_text("1 image")
    page.go_back()
    expect(image_count(page)).to_have_text("18 images")
    page.go_forward()
    page.go_forward()

    expect(page.get_by_role("dialog", name="contract.png")).to_contain_text("could not be analyzed in 24 hours")


def test_similar_images_lead_from_one_to_another(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").click()

    page.get_by_role("dialog").get_by_role("link", name="a close-up of a red flower").click()

    expect(page.get_by_role("dialog", name="flower.jpg")).to_be_visible()


def test_an_image_is_deleted_after_a_question(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("operator")
    page.get_by_role("link", name="a cup of coffee").click()

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog", name="coffee.png")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete coffee.png?").get_by_role("button", name="Delete").click()

    expect(page.get_by_role("link", name="a cup of coffee")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(image_count(page)).to_have_text("17 images")
    assert server.run(lambda services: "holiday/coffee.png" in services.blobs) is False
