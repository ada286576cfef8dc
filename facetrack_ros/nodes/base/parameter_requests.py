"""Parameter services that answer every request, also one that rclpy's own callbacks raise on."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically

from facetrack_ros.core.printable import printable


def answered_always(kind: type, callback: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The callback of a service; where it sets parameters, an error of it refuses the parameter that raised it.

    rclpy raises on a value of unknown type, and the caller would wait for an answer that never comes.

    :param kind: of the service; those that set no parameters keep their callback.
    """
    if kind is SetParameters:

        def set_each(request: Any, response: Any) -> Any:
            response.results = [_set_one(callback, parameter) for parameter in request.parameters]
            return response

        return set_each
    if kind is SetParametersAtomically:

        def set_all(request: Any, response: Any) -> Any:
            try:
                return callback(request, response)
            except Exception as error:
                response.result = _refusal(error)
                return response

        return set_all
    return callback


def _set_one(callback: Callable[[Any, Any], Any], parameter: Any) -> SetParametersResult:
    try:
        return callback(SetParameters.Request(parameters=[parameter]), SetParameters.Response()).results[0]
    except Exception as error:
        return _refusal(error)


def _refusal(error: Exception) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=f"the value cannot be set: {printable(error, 200)}")
