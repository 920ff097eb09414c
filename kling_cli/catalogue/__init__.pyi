from .capabilities import (
    CapabilityMatch as CapabilityMatch,
    best_match as best_match,
    require_known as require_known,
)
from .constraints import is_url as is_url, wanted_kind as wanted_kind
from .decoder import (
    decode_body as decode_body,
    model_by_wire_id as model_by_wire_id,
    routes_by_path as routes_by_path,
)
from .default_model import plan_with_default_model as plan_with_default_model
from .definition.loader import (
    Summary as Summary,
    all_managed as all_managed,
    all_products as all_products,
    load_description as load_description,
    load_managed as load_managed,
    load_product as load_product,
    load_step as load_step,
    makeable as makeable,
    model_labels as model_labels,
    opening_step as opening_step,
    product_names as product_names,
    step_names as step_names,
    step_summaries as step_summaries,
    summaries as summaries,
)
from .definition.schema import (
    CredentialKind as CredentialKind,
    Estimate as Estimate,
    Field as Field,
    FieldKind as FieldKind,
    Generation as Generation,
    Limits as Limits,
    Model as Model,
    Plan as Plan,
    Problem as Problem,
    Product as Product,
    Rate as Rate,
    Route as Route,
)
from .encoder import (
    encode_body as encode_body,
    get_path as get_path,
    set_path as set_path,
)
from .media import (
    ImageFacts as ImageFacts,
    audio_problems as audio_problems,
    describe_audio as describe_audio,
    describe_image as describe_image,
    image_problems as image_problems,
    image_problems_of_base64 as image_problems_of_base64,
)
from .pricing import (
    charged_units as charged_units,
    estimate_units as estimate_units,
    followed_input as followed_input,
    measured_s as measured_s,
    why_unknown as why_unknown,
)
from .prompt import split_handle as split_handle
from .routing import accepts_field as accepts_field
from .server_validation import wire_check as wire_check
from .sessions import (
    TOLERANCE_S as TOLERANCE_S,
    SegmentFit as SegmentFit,
    SessionFacts as SessionFacts,
    SessionUse as SessionUse,
    StepFacts as StepFacts,
    fit_segment as fit_segment,
    insertion as insertion,
    require_room as require_room,
)
from .validation import require_valid as require_valid
from .values import (
    completed_values as completed_values,
    effective_values as effective_values,
)
