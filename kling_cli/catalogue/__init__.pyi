from .capabilities import (
    CapabilityMatch as CapabilityMatch,
    best_match as best_match,
    require_known_capabilities as require_known_capabilities,
)
from .constraints import expected_type as expected_type, is_url as is_url
from .decoder import (
    decode_body as decode_body,
    model_by_wire_id as model_by_wire_id,
    route_by_path as route_by_path,
)
from .definition.loader import (
    Summary as Summary,
    all_managed as all_managed,
    all_products as all_products,
    load_creatable as load_creatable,
    load_description as load_description,
    load_managed as load_managed,
    load_product as load_product,
    load_step as load_step,
    managed_names as managed_names,
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
    Product as Product,
    Rate as Rate,
    Route as Route,
)
from .encoder import get_path as get_path, set_path as set_path
from .media import (
    FileContent as FileContent,
    ImageFacts as ImageFacts,
    describe_image as describe_image,
    file_size_problem as file_size_problem,
    image_problems_of_base64 as image_problems_of_base64,
)
from .pricing import (
    charged_units as charged_units,
    estimate_units as estimate_units,
    explain_missing_price as explain_missing_price,
    find_duration_rule as find_duration_rule,
    measure_input_s as measure_input_s,
)
from .prompt import split_handle as split_handle
from .request import (
    PreparedRequest as PreparedRequest,
    prepare_request as prepare_request,
)
from .routing import accepts_field as accepts_field
from .server_validation import validate_body as validate_body
from .sessions import (
    DURATION_TOLERANCE_S as DURATION_TOLERANCE_S,
    Appearance as Appearance,
    SegmentSpec as SegmentSpec,
    SessionSpec as SessionSpec,
    StepSpec as StepSpec,
    fit_video_duration as fit_video_duration,
    require_segment_fits as require_segment_fits,
    segment_insert_s as segment_insert_s,
)
from .values import (
    completed_values as completed_values,
    effective_values as effective_values,
)
