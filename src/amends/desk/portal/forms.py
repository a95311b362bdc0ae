"""Forms of the portal."""

from allauth.account.forms import RequestLoginCodeForm
from django import forms
from django.utils.translation import gettext_lazy as _

from amends.desk.accounts.models import Customer
from amends.desk.cases.models import RequestKind
from amends.desk.payouts.bank_text import HOLDER_LENGTH_MAX
from amends.desk.portal.access import user_of

TEXT_LENGTH_MAX = 5_000


class SignInForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth has no types
    """Asks for the address; a customer who never signed in is given a way to."""

    def clean_email(self) -> str:
        """Make the account of a known customer; the answer is the same for strangers."""
        email = str(self.cleaned_data["email"]).lower()
        customer = Customer.objects.filter(email__iexact=email, erased_at=None).first()
        if customer is not None:
            user_of(customer)
        return str(super().clean_email())


class StartForm(forms.Form):
    """A guest says who they are and which order it is about."""

    email = forms.EmailField(label=_("Mail address of your account"))
    reference = forms.CharField(label=_("Order number or transaction ID"), max_length=100)


class RequestForm(forms.Form):
    """What happened, in the customer's words."""

    kind = forms.ChoiceField(choices=RequestKind.choices)
    reason = forms.CharField(
        label=_("Your reason"),
        help_text=_("Any reason is good enough. It helps us to do better."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=TEXT_LENGTH_MAX,
        required=False,
    )


class AccountForm(forms.Form):
    """Where a refund goes that cannot go back the way it was paid."""

    holder = forms.CharField(label=_("Holder of the account"), max_length=HOLDER_LENGTH_MAX)
    iban = forms.CharField(
        label=_("IBAN"),
        help_text=_("It stands on your card or statement, such as DE89 3704 0044 0532 0130 00."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class MessageForm(forms.Form):
    """Something to say."""

    text = forms.CharField(
        label=_("Your message"), widget=forms.Textarea(attrs={"rows": 3}), max_length=TEXT_LENGTH_MAX
    )
