"""Addresses of the console."""

from django.urls import path

from amends.desk.console import (
    bulk,
    case_actions,
    case_views,
    finance,
    insight,
    issues,
    library,
    mail,
    publishing,
    queue_views,
    views,
)

urlpatterns = [
    path("", queue_views.show_queue, name="console"),
    path("cases/<str:number>", case_views.show_case, name="console_case"),
    path("cases/<str:number>/<slug:action>", case_actions.act, name="console_act"),
    path("evidence/<uuid:evidence_id>", case_views.show_evidence, name="console_evidence"),
    path("finance", finance.show_finance, name="console_finance"),
    path("finance/disputes", finance.link, name="console_link_dispute"),
    path("finance/journal.csv", finance.download_journal, name="console_journal"),
    path("insight", insight.show_insight, name="console_insight"),
    path("policies", library.show_versions, name="console_policies"),
    path("policies/changes", library.show_changes, name="console_changes"),
    path("policies/drafts", publishing.start, name="console_start_draft"),
    path("policies/drafts/<uuid:draft_id>", publishing.show_draft, name="console_draft"),
    path("policies/drafts/<uuid:draft_id>/<slug:action>", publishing.act, name="console_draft_act"),
    path("policies/reading", publishing.show_reading, name="console_reading"),
    path("policies/<uuid:version_id>/cancel", publishing.call_off, name="console_call_off"),
    path("policies/<uuid:version_id>", library.show_text, name="console_policy"),
    path("mail", mail.show_mail, name="console_mail"),
    path("mail/<uuid:mail_id>", mail.show_letter, name="console_letter"),
    path("mail/<uuid:mail_id>/original", mail.download_original, name="console_original"),
    path("mail/<uuid:mail_id>/<slug:action>", mail.act, name="console_mail_act"),
    path("drafts/<uuid:draft_id>/discard", mail.discard, name="console_discard"),
    path("issues", issues.show_issues, name="console_issues"),
    path("issues/<uuid:issue_id>/fixed", issues.mark_fixed, name="console_fixed"),
    path("outages", issues.gather_outage, name="console_gather"),
    path("outages/<uuid:incident_id>/over", issues.mark_over, name="console_over"),
    path("bulk", bulk.act_on_many, name="console_bulk"),
    path("views", views.save_view, name="console_view_save"),
    path("views/<int:view_id>/remove", views.remove_view, name="console_view_remove"),
    path("styleguide", library.show_styleguide, name="console_styleguide"),
]
