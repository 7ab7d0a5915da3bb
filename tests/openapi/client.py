"""What somebody writes against the client that openapi-python-client makes."""

import sys

from svgx_engine_client import AuthenticatedClient
from svgx_engine_client.api.drawing import evaluate_formulas, parse_drawing, solve_constraints
from svgx_engine_client.api.interaction import apply_operation
from svgx_engine_client.models import (
    ClickOperation,
    EvaluateAnswer,
    EvaluateRequest,
    InteractiveAnswer,
    LoadOperation,
    ParseAnswer,
    ParseRequest,
    SolveAnswer,
    SolveRequest,
)

address, key, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    drawing = file.read()

client = AuthenticatedClient(base_url=address, token=key)
parsed = parse_drawing.sync(client=client, body=ParseRequest(content=drawing))
assert isinstance(parsed, ParseAnswer) and parsed.count > 10
done = apply_operation.sync(client=client, body=LoadOperation(operation="load", content=drawing))
assert isinstance(done, InteractiveAnswer) and done.success
clicked = apply_operation.sync(client=client, body=ClickOperation(operation="click", element_id="bulb"))
assert isinstance(clicked, InteractiveAnswer) and clicked.state.selected_elements == ["bulb"]
values = evaluate_formulas.sync(client=client, body=EvaluateRequest(session="default"))
assert isinstance(values, EvaluateAnswer)
current = values.results[0].behavior.calculations[0]
assert current.name == "current" and current.unit == "A"
solved = solve_constraints.sync(client=client, body=SolveRequest(content=drawing))
assert isinstance(solved, SolveAnswer) and solved.outcome == "solved"
print(f"{parsed.count} elements, {current.value} {current.unit}, {len(solved.entities)} shapes solved")
