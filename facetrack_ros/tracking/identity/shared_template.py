"""What a robot tells of a person's face."""

from dataclasses import dataclass, field

import numpy as np

from facetrack_ros.core import validation
from facetrack_ros.errors import InvalidInput
from facetrack_ros.tracking.id_allocator import robot_of_person, safe_name

#: Most embeddings of a template; robots keep 30 of a person.
MOST_EMBEDDINGS = 64


@dataclass(frozen=True, eq=False)
class SharedTemplate:
    """Face template of a person, told by the robot that gave the person's id.

    :param robot_id: the robot; ``instance_id``: its process, empty where the robot's version does not tell.
    :param embeddings: ``(n, dimension)`` unit rows.
    :param qualities: ``(n,)`` in 0..1.
    """

    robot_id: str
    instance_id: str
    person_id: str
    model_id: str
    embeddings: np.ndarray = field(repr=False)
    qualities: np.ndarray = field(repr=False)

    def check_ids(self) -> None:
        """Check names and ids, and that the person is one of the robot.

        :raises InvalidInput: it cannot be used.
        """
        validation.ros_name(self.robot_id, "the robot of a face template")
        validation.token(self.instance_id, "the process of a face template", empty=True)
        validation.identifier(self.person_id, "the person id of a face template")
        validation.model_name(self.model_id, f"the model of the face of {self.person_id}")
        if robot_of_person(self.person_id) != safe_name(self.robot_id):
            raise InvalidInput(
                f"{self.person_id} is no person of {self.robot_id}: only its own robot tells of it", "owner"
            )

    def check_dimension(self, dimension: int | None) -> None:
        """Check that the embeddings are as long as the model's.

        :param dimension: of the model; None: the model is not known here.
        :raises InvalidInput: they are not.
        """
        size = self.embeddings.shape[1]
        if dimension not in (None, size):
            raise InvalidInput(
                f"the face of {self.person_id} has {size} numbers; those of {self.model_id} have {dimension}",
                "embedding",
            )
