"""The contract and its pages, written from the code that runs.

`python -m deploy.catalogue` joins the registry of events with the `Handlers` that the services
register, which `shared` cannot do because it never imports a service.
"""
