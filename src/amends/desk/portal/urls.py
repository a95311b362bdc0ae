"""Addresses of the portal."""

from django.urls import path

from amends.desk.portal import drafts, entrance, payouts, views

urlpatterns = [
    path("", entrance.show_home, name="home"),
    path("start", entrance.start, name="start"),
    path("enter/<str:token>", entrance.enter, name="enter"),
    path("leave", entrance.leave, name="leave"),
    path("language", entrance.choose_language, name="language"),
    path("policy", entrance.show_policy, name="policy"),
    path("policy/changes", entrance.show_changes, name="policy_changes"),
    path("policy/acknowledge", views.acknowledge_policy, name="acknowledge"),
    path("orders", views.show_orders, name="orders"),
    path("orders/<str:number>/<int:position>/request", views.make_request, name="request"),
    path("cases/<str:number>", views.show_case, name="case"),
    path("cases/<str:number>/account", payouts.name_account, name="account"),
    path("cases/<str:number>/download", views.download_case, name="download"),
    path("cases/<str:number>/<slug:action>", views.act_on_case, name="act"),
    path("drafts/<uuid:draft_id>", drafts.show_draft, name="draft"),
    path("drafts/<uuid:draft_id>/discard", drafts.discard_draft, name="discard_draft"),
    path("drafts/<uuid:draft_id>/join/<str:number>", drafts.join_case, name="join_case"),
    path("drafts/<uuid:draft_id>/<str:token>", drafts.enter_draft, name="enter_draft"),
    path("letters/<uuid:letter_id>", views.show_letter, name="letter"),
]
