"""What a search compared, and what it did not."""

from facetrack_ros.models import catalog
from facetrack_ros.search.partial import not_searched_lines
from facetrack_ros.search.report.page.content import PageContent
from facetrack_ros.search.report.page.markup import Content, Markup, element, joined
from facetrack_ros.search.report.page.match_card import spans_of
from facetrack_ros.search.report.table import joined_sentence, rescan_sentence, robot_remark, searched_sentence
from facetrack_ros.search.report.trust import trust_sentence, wider_sentence
from facetrack_ros.search.response import RobotResponse, SearchedCamera, SearchResponse


def completeness_notice(response: SearchResponse) -> Markup:
    """Whether the answer is complete, and what was not searched."""
    if response.complete:
        text = "Complete: every robot, camera and stretch of time that the question covers was compared."
        return element("div", element("p", text), class_="notice good")
    lines = (element("li", line) for line in not_searched_lines(response))
    head = element("strong", "This answer is partial: the face may have been seen where nothing was compared.")
    return element(
        "div", element("p", head), element("p", "Not searched:"), element("ul", *lines), class_="notice warn"
    )


def searched_section(content: PageContent) -> Markup:
    """Robots and cameras with what was compared of each, and how far the answer can be trusted."""
    response = content.response
    sentences = [
        content.asked and f"{content.asked[0].upper()}{content.asked[1:]}",
        searched_sentence(response, content.zone),
        joined_sentence(response),
        rescan_sentence(response),
        trust_sentence(response) if response.sightings else "",
        wider_sentence(response, catalog.known(response.model_id)) if response.sightings else "",
        "A similarity is a cosine, not a probability: look at the pictures before you believe a match.",
    ]
    return joined(
        element(
            "div", _table(content), class_="wide", role="region", tabindex=0, aria_label="Robots and cameras searched"
        ),
        *(element("p", sentence) for sentence in sentences if sentence),
    )


def _table(content: PageContent) -> Markup:
    robots = content.response.robots
    with_remarks = any(robot_remark(robot) for robot in robots)
    head = [
        element("th", "Robot", scope="col"),
        element("th", "Camera", scope="col"),
        element("th", "Sightings", scope="col", class_="number"),
        element("th", "Searched", scope="col"),
        element("th", "Remarks", scope="col") if with_remarks else None,
    ]
    rows = [row for robot in robots for row in _rows(robot, content, with_remarks)]
    return element(
        "table",
        element("caption", "Robots asked, and the sightings compared of each camera"),
        element("thead", element("tr", *head)),
        element("tbody", *rows),
    )


def _rows(robot: RobotResponse, content: PageContent, with_remarks: bool) -> list[Markup]:
    cameras = robot.searched if robot.answered else ()
    height = max(len(cameras), 1)
    status = element("span", robot.status.replace("_", " "), class_="soft")
    name = element("th", element("bdi", robot.robot_id), element("br"), status, scope="row", rowspan=height)
    remark = element("td", robot_remark(robot), rowspan=height) if with_remarks else None
    if not cameras:
        compared = str(robot.sightings) if robot.answered else "-"
        return [element("tr", name, _cell("-"), _cell(compared, "number"), _cell("-"), remark)]
    rows = []
    for number, camera in enumerate(cameras):
        place = element("bdi", camera.camera_id)
        cells = (_cell(place), _cell(str(camera.sightings), "number"), _cell(_span(camera, content), "time"))
        rows.append(element("tr", None if number else name, *cells, None if number else remark))
    return rows


def _cell(content: Content, class_: str = "") -> Markup:
    return element("td", content, class_=class_ or None)


def _span(camera: SearchedCamera, content: PageContent) -> Markup:
    if not camera.end_ns:
        return joined("nothing kept")
    spans = spans_of(camera.start_ns, camera.end_ns, content.zone)
    lines = (joined(span, f" {name}") for name, span in spans)
    return joined(*(joined(element("br") if number else None, line) for number, line in enumerate(lines)))
