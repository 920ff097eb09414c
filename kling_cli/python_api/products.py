"""The methods of the products, for both clients: from the catalogue, when touched.

`products.pyi` declares them one by one.
"""

from typing import Generic, TypeVar

from kling_cli.python_api.product_methods import product_methods

ResultT = TypeVar("ResultT")


class Products(Generic[ResultT]):
    """What can be made, a method each."""


for _method in product_methods():
    setattr(Products, _method.name, _method)
