"""What has to be there before the first page."""

from django.apps import AppConfig

from amends.desk.languages import learn


class DesignConfig(AppConfig):
    """Teaches Django our sentences."""

    name = "amends.desk.design"

    def ready(self) -> None:
        """Once in every process."""
        learn()
